import type { Fault } from '../problem.ts';
import { splitWords } from './words.ts';

/** An instruction of a Containerfile, split into words. */
export interface Instruction {
  /** The keyword in capitals: `FROM`. */
  readonly keyword: string;
  /** The words after the keyword that begin with `--`. */
  readonly flags: readonly string[];
  /** The other words, with quotes and variables as written. */
  readonly words: readonly string[];
  /** The first line of the instruction, 1-based. */
  readonly line: number;
}

export interface Instructions {
  readonly instructions: readonly Instruction[];
  /** The escape character: `\`, or a backtick if the `escape` directive says so. */
  readonly escape: string;
  readonly faults: readonly (Fault & { readonly line: number })[];
}

/**
 * Reads the instructions of a Containerfile: comments and here-documents are removed, continued
 * lines joined.
 *
 * Source: the Dockerfile reference ("Format", "Parser directives", "Here-Documents") and the
 * parser of openshift/imagebuilder, which buildah uses.
 */
export function readInstructions(text: string): Instructions {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const escape = escapeDirective(lines);
  const instructions: Instruction[] = [];
  const faults: (Fault & { line: number })[] = [];
  let next = 0;
  while (next < lines.length) {
    const first = next;
    const parts: string[] = [];
    let continues = true;
    while (continues && next < lines.length) {
      const line = lines[next++] ?? '';
      const trimmed = line.trimStart();
      // Comments and empty lines don't end a continued line.
      if (trimmed === '' || trimmed.startsWith('#')) {
        if (parts.length === 0) break;
        continue;
      }
      const end = line.trimEnd();
      continues = end.endsWith(escape);
      parts.push(continues ? end.slice(0, -1) : line);
    }
    const instruction = instructionOf(parts.join(''), escape, first + 1);
    if (instruction === undefined) continue;
    instructions.push(instruction);
    for (const heredoc of heredocsOf(instruction)) {
      const end = endOf(heredoc, lines, next);
      if (end === undefined) faults.push(unterminated(heredoc.name, first + 1));
      next = (end ?? lines.length) + 1;
    }
  }
  return { instructions, escape, faults };
}

/** Parser directives are comments at the top of the file; the first other line ends them. */
function escapeDirective(lines: readonly string[]): string {
  for (const line of lines) {
    const directive = /^#\s*(check|escape|syntax)\s*=\s*(.+)$/is.exec(line.trim());
    if (directive === null) return '\\';
    if (directive[1]?.toLowerCase() === 'escape') return directive[2] === '`' ? '`' : '\\';
  }
  return '\\';
}

function instructionOf(text: string, escape: string, line: number): Instruction | undefined {
  const [keyword, ...rest] = splitWords(text, escape);
  if (keyword === undefined) return undefined;
  const flagsEnd = rest.findIndex((word) => !word.startsWith('--') || word === '--');
  const count = flagsEnd < 0 ? rest.length : flagsEnd;
  return {
    keyword: keyword.toUpperCase(),
    flags: rest.slice(0, count),
    words: rest.slice(count),
    line,
  };
}

interface Heredoc {
  readonly name: string;
  /** Whether tabs before the closing line are ignored (`<<-`). */
  readonly chomp: boolean;
}

function heredocsOf({ keyword, words }: Instruction): Heredoc[] {
  const own = keyword === 'ONBUILD' ? words[0]?.toUpperCase() : keyword;
  if (own !== 'RUN' && own !== 'COPY' && own !== 'ADD') return [];
  return words.flatMap((word) => {
    const [, chomp, quoted] = /^\d*<<(-?)([^<]+)$/.exec(word) ?? [];
    const name = quoted?.replace(/["'\\]/g, '') ?? '';
    return name === '' ? [] : [{ name, chomp: chomp === '-' }];
  });
}

function endOf({ name, chomp }: Heredoc, lines: readonly string[], from: number) {
  for (let i = from; i < lines.length; i++) {
    const line = lines[i] ?? '';
    if ((chomp ? line.replace(/^\t+/, '') : line) === name) return i;
  }
  return undefined;
}

function unterminated(name: string, line: number): Fault & { line: number } {
  return {
    code: 'containerfile',
    message: `expected the line ${name} at the end of a here-document, found the end of the file`,
    hint: 'end the here-document',
    line,
  };
}
