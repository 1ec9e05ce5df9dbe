import { posix } from 'node:path';
import type { Printing, State } from './state.ts';
import type { Script } from './syntax.ts';

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

/**
 * Runs a script and returns what it prints, if one program prints all of it, whatever the host decides.
 */
export function captured(script: Script, state: State, run: () => void): Output {
  const { session } = state;
  const { printing } = session;
  session.printing = [];
  run();
  const [only, ...others] = session.printing;
  session.printing = printing;
  if (only === undefined || others.length > 0 || !isPlain(script, state))
    return { isOneWord: false };
  return outputOf(only, state);
}

/** How deep functions that call each other are looked at. */
const deepestCalls = 4;

/** Whether all commands run, whatever the host decides, perhaps in a directory that `cd` chooses. */
function isPlain(script: Script, state: State, depth = 0): boolean {
  return script.every(({ command, operator }) => {
    if (command.kind !== 'simple' || depth > deepestCalls) return false;
    const name = command.words[0]?.raw ?? '';
    if (operator !== ';' && !(operator === '&&' && name === 'cd')) return false;
    const body = state.functions.get(name);
    if (body !== undefined) return body.kind === 'group' && isPlain(body.body, state, depth + 1);
    return !/^(?:\.|source|eval|return|exit)$/.test(name);
  });
}

function outputOf(
  { words: [program, ...args], input, isRedirected }: Printing,
  state: State,
): Output {
  if (program === undefined || isRedirected) return { isOneWord: false };
  const name = posix.basename(program.text);
  const isOneWord = oneWord.has(name);
  if ([program, ...args].some(({ fault }) => fault !== undefined)) return { isOneWord };
  const texts = args.map(({ text }) => text);
  const text = name === 'cat' && args.length === 0 ? input : printed(name, texts, state);
  return text === undefined ? { isOneWord } : { text, isOneWord };
}

function printed(name: string, words: readonly string[], state: State): string | undefined {
  const { directory, session } = state;
  const { readFile, realPath } = session.surroundings;
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
        : `${words.join(' ')}\n`;
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
      const at = isPath ? absolute(given[0] ?? '') : undefined;
      return at === undefined ? undefined : realPath(at);
    }
    case 'cat': {
      const at = path === undefined || others.length > 0 ? undefined : absolute(path);
      return at === undefined ? undefined : readFile(at);
    }
    default:
      return undefined;
  }
}
