import { isFault, type LineFault, toValue, type Value } from './value.ts';

export interface Documents {
  /** Those that could be read, without empty ones. */
  readonly documents: readonly Value[];
  readonly faults: readonly LineFault[];
}

/** More than a manifest needs; deeper ones would end in a stack overflow. */
const maxDepth = 200;

/**
 * Words, marks and blanks of the language in one file: those of 30,000 lines of manifest. Text in
 * block scalars counts as one, so a large ConfigMap does not come near it. What the parser takes
 * grows with them: half a second and 350 MB at worst for these.
 */
const maxLexemes = 200_000;

/** Every document of a YAML file, JSON too; what can't be read hides none of the others. */
export async function readDocuments(text: string): Promise<Documents> {
  const yaml = await import('yaml');
  const lines = new yaml.LineCounter();
  const parser = new yaml.Parser(lines.addNewLine);
  // Keys that stand twice are looked for in `toValue`: the library takes the square of their number.
  const composer = new yaml.Composer({ uniqueKeys: false, merge: true, logLevel: 'silent' });
  const documents: Value[] = [];
  const faults: LineFault[] = [];
  let lexemes = 0;
  let deepest = 0;

  for (const lexeme of new yaml.Lexer().lex(text)) {
    if (++lexemes > maxLexemes) {
      faults.push(tooLarge(parser.offset));
      return { documents, faults };
    }
    for (const token of parser.next(lexeme)) take(token);
    deepest = Math.max(deepest, parser.stack.length);
  }
  for (const token of parser.end()) take(token);
  for (const document of composer.end()) add(document);
  return { documents, faults };

  function take(token: import('yaml').CST.Token): void {
    if (token.type === 'document') {
      const isDeep = deepest > maxDepth;
      deepest = 0;
      if (isDeep) {
        faults.push(tooDeep(token.offset));
        return;
      }
    }
    for (const document of composer.next(token)) add(document);
  }

  function add(document: import('yaml').Document.Parsed): void {
    const error = document.errors[0];
    if (error !== undefined) {
      faults.push(malformed(error.message, error.pos[0]));
      return;
    }
    const value = toValue(document, lines, yaml);
    if (isFault(value)) faults.push(value);
    else if (value.kind !== 'scalar' || value.value !== null) documents.push(value);
  }

  function malformed(reason: string, offset: number): LineFault {
    return {
      code: 'yaml',
      line: lines.linePos(offset).line,
      message: `expected a YAML document, found an error: ${reason.slice(0, 200)}`,
      hint: 'correct the document; nothing in it counts',
    };
  }

  function tooDeep(offset: number): LineFault {
    return {
      code: 'too-deep',
      line: lines.linePos(offset).line,
      message: `expected a YAML document of at most ${maxDepth} levels, found more`,
      hint: 'make it flatter; nothing in it counts',
    };
  }

  function tooLarge(offset: number): LineFault {
    return {
      code: 'too-large',
      line: lines.linePos(offset).line,
      message: `expected at most ${maxLexemes} words and marks in a YAML file, found more`,
      hint: 'split the file; the document in which the limit is, and those behind it, do not count',
    };
  }
}
