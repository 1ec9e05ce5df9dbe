import { posix } from 'node:path';
import type { Word } from '../words.ts';
import type { State } from './state.ts';

/** The output of the commands of `$(…)`. */
interface Output {
  /** Absent if the output is not known. */
  readonly text?: string;
  /** Whether the output is certainly one word. */
  readonly isOneWord: boolean;
}

/** Programs that print one word, which only the booted host knows. */
const oneWord: ReadonlySet<string> = new Set(
  'arch date hostname id mktemp nproc pwd uname whoami'.split(' '),
);

/** The output of the programs of a substitution, each with its words, if there is only one. */
export function outputOf(
  programs: readonly (readonly Word[])[],
  { directory }: Pick<State, 'directory'>,
  readFile: (path: string) => string | undefined,
): Output {
  const [words, ...others] = programs;
  const [program, ...args] = words ?? [];
  if (program === undefined || others.length > 0) return { isOneWord: false };
  const name = posix.basename(program.text);
  const isOneWord = oneWord.has(name);
  if ([program, ...args].some(({ fault }) => fault !== undefined)) return { isOneWord };
  const texts = args.map(({ text }) => text);
  const text = printed(name, texts, directory, readFile);
  return text === undefined ? { isOneWord } : { text: text.replace(/\n+$/, ''), isOneWord };
}

function printed(
  name: string,
  words: readonly string[],
  directory: string | undefined,
  readFile: (path: string) => string | undefined,
): string | undefined {
  const [path, ...others] = words.filter((word) => word !== '--');
  const absolute = (given: string) =>
    directory === undefined && !given.startsWith('/')
      ? undefined
      : posix.resolve(directory ?? '/', given);
  switch (name) {
    case 'pwd':
      return directory;
    case 'echo':
      return words.some((word) => word.startsWith('-') || word.includes('\\'))
        ? undefined
        : words.join(' ');
    case 'printf':
      return path === '%s' && others.length === 1 ? others[0] : undefined;
    case 'command':
      return words.length === 2 ? words[1] : undefined;
    case 'which':
      return others.length === 0 ? path : undefined;
    case 'dirname':
      return path === undefined || others.length > 0 ? undefined : posix.dirname(path);
    case 'basename':
      return path === undefined || others.length > 1 ? undefined : posix.basename(path, others[0]);
    case 'realpath':
    case 'readlink': {
      const given = words.filter((word) => !/^-[efm]$/.test(word));
      const isPath = given.length === 1 && (name === 'realpath' || words.length === 2);
      return isPath ? absolute(given[0] ?? '') : undefined;
    }
    case 'cat': {
      const at = path === undefined || others.length > 0 ? undefined : absolute(path);
      return at === undefined ? undefined : readFile(at);
    }
    default:
      return undefined;
  }
}
