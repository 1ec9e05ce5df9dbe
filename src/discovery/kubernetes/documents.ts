import { isFault, type LineFault, toValue, type Value } from './value.ts';

export interface Documents {
  /** The documents without errors, but for empty ones. */
  readonly documents: readonly Value[];
  readonly faults: readonly LineFault[];
}

type Yaml = typeof import('yaml');

/**
 * The most levels of nesting, more than manifests need: with more, the parser's stack overflows.
 */
const maxDepth = 200;

/**
 * The most lexemes (words, punctuation and blanks) in one file, about 30,000 lines of a manifest. A
 * block scalar is a single lexeme, so a large ConfigMap stays far below. At worst the parser takes
 * two to three seconds and 200 MB for so many.
 */
const maxLexemes = 200_000;

/** The cost of each document in lexemes: even an empty one takes the parser about as long. */
const lexemesPerDocument = 20;

const maxFaults = 1_000;

/** Parses all documents of a YAML or JSON file. A document with errors does not hide the others. */
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
    // All line starts are counted beforehand, because the parser may skip some lines.
    this.#lines = new yaml.LineCounter();
    for (let at = 0; at >= 0; at = text.indexOf('\n', at) + 1 || -1) this.#lines.addNewLine(at);
  }

  /** @returns where to continue after a document that can't be parsed to its end, if anywhere. */
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
    // `---` at the start of a line ends a document, whatever precedes it.
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

/** Composes documents from tokens. */
class Section {
  readonly #composer;
  readonly #found: Composed[] = [];
  /** An error of the parser, which reports errors before the document that contains them. */
  #broken: Composed | undefined;

  constructor(yaml: Yaml) {
    // `toValue` looks for duplicate keys: `uniqueKeys` takes quadratic time.
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
    hint: 'correct the document; all of it is ignored',
  };
}

const tooDeep: LineFault = {
  code: 'too-deep',
  message: `expected a YAML document of at most ${maxDepth} levels, found more`,
  hint: 'reduce the nesting; the whole document is ignored',
};

const tooLarge: LineFault = {
  code: 'too-large',
  message: `expected at most ${maxLexemes} words and marks in a YAML file, found more`,
  hint: 'split the file; the document that exceeds the limit and all after it are ignored',
};
