import { isFault, type LineFault, toValue, type Value } from './value.ts';

export interface Documents {
  /** Those that could be read, without empty ones. */
  readonly documents: readonly Value[];
  readonly faults: readonly LineFault[];
}

type Yaml = typeof import('yaml');

/** More than a manifest needs; the parser ends deeper ones in a stack overflow. */
const maxDepth = 200;

/**
 * Words, marks and blanks of the language in one file: those of 30,000 lines of manifest. Text in
 * block scalars counts as one, so a large ConfigMap does not come near it. What the parser takes
 * grows with them: two or three seconds and 200 MB at worst for these.
 */
const maxLexemes = 200_000;

/** Even an empty document takes the parser about as long as so many. */
const lexemesPerDocument = 20;

const maxFaults = 1_000;

/** Every document of a YAML file, JSON too; what can't be read hides none of the others. */
export async function readDocuments(text: string): Promise<Documents> {
  const reading = new Reading(await import('yaml'), text);
  let start: number | undefined = 0;
  while (start !== undefined) start = reading.readFrom(start);
  return reading;
}

class Reading implements Documents {
  readonly documents: Value[] = [];
  readonly faults: LineFault[] = [];
  readonly #yaml: Yaml;
  readonly #text: string;
  readonly #lines;
  #lexemes = 0;

  constructor(yaml: Yaml, text: string) {
    this.#yaml = yaml;
    this.#text = text;
    // Known beforehand, since some lines may be skipped.
    this.#lines = new yaml.LineCounter();
    for (let at = 0; at >= 0; at = text.indexOf('\n', at) + 1 || -1) this.#lines.addNewLine(at);
  }

  /** @returns where to go on behind a document that can't be parsed to its end. */
  readFrom(start: number): number | undefined {
    const section = new Section(this.#yaml);
    let stopped: LineFault | undefined;
    const parser = new this.#yaml.Parser();
    for (const lexeme of new this.#yaml.Lexer().lex(this.#text.slice(start))) {
      if (++this.#lexemes > maxLexemes) stopped = tooLarge;
      else for (const token of parser.next(lexeme)) this.#take(token, section);
      if (parser.stack.length > maxDepth) stopped ??= tooDeep;
      if (stopped !== undefined) break;
    }
    if (stopped === undefined) for (const token of parser.end()) section.take(token);
    for (const found of section.end()) {
      if ('message' in found) this.#fault(malformed(found.message), start + found.offset);
      else this.#add(found.document, start);
    }
    if (stopped === undefined) return undefined;
    const end = start + parser.offset;
    this.#fault(stopped, end);
    // At the start of a line it ends a document whatever stands before it.
    const next = stopped === tooDeep ? this.#text.indexOf('\n---', end - 1) : -1;
    return next < 0 ? undefined : next + 1;
  }

  #take(token: Token, section: Section): void {
    if (token.type === 'document') this.#lexemes += lexemesPerDocument;
    section.take(token);
  }

  #add(document: Document, start: number): void {
    const error = document.errors[0];
    if (error !== undefined) {
      this.#fault(malformed(error.message), start + error.pos[0]);
      return;
    }
    const lineAt = (offset: number) => this.#lineAt(start + offset);
    const value = toValue(document, lineAt, this.#yaml);
    if (!isFault(value)) {
      if (value.kind !== 'scalar' || value.value !== null) this.documents.push(value);
    } else if (this.faults.length < maxFaults) this.faults.push(value);
  }

  #fault(fault: LineFault, offset: number): void {
    if (this.faults.length < maxFaults) this.faults.push({ ...fault, line: this.#lineAt(offset) });
  }

  #lineAt(offset: number): number {
    return this.#lines.linePos(offset).line;
  }
}

type Document = import('yaml').Document.Parsed;
type Token = import('yaml').CST.Token;

type Composed =
  | { readonly document: Document }
  | { readonly message: string; readonly offset: number };

/** Makes documents of tokens. */
class Section {
  readonly #composer;
  readonly #found: Composed[] = [];
  /** The parser tells an error before the document in which it is. */
  #broken: Composed | undefined;

  constructor(yaml: Yaml) {
    // Keys that stand twice are looked for in `toValue`: the library takes the square of their
    // number.
    this.#composer = new yaml.Composer({ uniqueKeys: false, merge: true, logLevel: 'silent' });
  }

  take(token: Token): void {
    if (token.type === 'error') {
      this.#broken ??= { message: token.message, offset: token.offset };
    } else if (token.type === 'document' && this.#broken !== undefined) {
      this.#add(this.#composer.end());
      this.#found.push(this.#broken);
      this.#broken = undefined;
    } else this.#add(this.#composer.next(token));
  }

  end(): readonly Composed[] {
    this.#add(this.#composer.end());
    if (this.#broken !== undefined) this.#found.push(this.#broken);
    return this.#found;
  }

  #add(documents: Iterable<Document>): void {
    for (const document of documents) this.#found.push({ document });
  }
}

function malformed(reason: string): LineFault {
  return {
    code: 'yaml',
    message: `expected a YAML document, found an error: ${reason.slice(0, 200)}`,
    hint: 'correct the document; nothing in it counts',
  };
}

const tooDeep: LineFault = {
  code: 'too-deep',
  message: `expected a YAML document of at most ${maxDepth} levels, found more`,
  hint: 'make it flatter; nothing in it counts',
};

const tooLarge: LineFault = {
  code: 'too-large',
  message: `expected at most ${maxLexemes} words and marks in a YAML file, found more`,
  hint: 'split the file; the document in which the limit is, and those behind it, do not count',
};
