import { posix } from 'node:path';
import { append } from '../../common/append.ts';
import { displayPath } from '../../common/path-bytes.ts';
import { commandLines } from '../../systemd/command-line.ts';
import { allowanceSpent, costOfVariable } from '../allowance.ts';
import type { Fault } from '../problem.ts';
import { unquoted } from '../without-private.ts';
import { type Caller, directCaller } from './caller.ts';
import { type Line, placedImages, placedProject } from './images/placed-images.ts';
import { mentionsImages, seemsToStart } from './mentions.ts';
import { readCommand } from './programs.ts';
import type { ReadCommand } from './read-command.ts';
import { isMadeByHost, madeByHost } from './scripts/made-by-host.ts';
import { commandsOf, type ShellText } from './scripts/script-commands.ts';
import { searchPathOf } from './scripts/search-path.ts';
import {
  type Findings,
  problemAt,
  type ServiceContext,
  type ServicePlace,
} from './service-place.ts';
import type { ShellCommand } from './shell/state.ts';
import { systemdWords } from './systemd-words.ts';
import { unreadProgram } from './unread-program.ts';
import type { Word } from './words.ts';

/** The parts that all commands of one command line of a unit share, in scripts as well. */
interface Reading {
  readonly line: Line;
  readonly context: ServiceContext;
  readonly found: Findings;
  /** The number of scripts that call each other up to this command. */
  readonly depth: number;
}

/** The most scripts that call each other. */
const deepestCalls = 8;
/** The most words of an interpreter's command line among which its script is looked for. */
const mostCandidates = 8;
/** The cost of one command of a script, in time and memory, as a number of expanded characters. */
const costOfCommand = 512;

/** Adds the images that the command lines of one entry name, and those of the scripts they start. */
export async function readEntry(
  place: ServicePlace,
  context: ServiceContext,
  found: Findings,
): Promise<void> {
  const lines = commandLines(place.entry.value);
  if (lines === undefined) {
    if (mentionsImages(place.entry.value)) found.problems.push(problemAt(place, badQuotes));
    return;
  }
  for (const line of lines) {
    const words = systemdWords(line, place.unit, context.expander);
    await readWords(words, directCaller, place, '', { line, context, found, depth: 0 });
  }
}

/** Adds the images that one command names. */
async function readWords(
  words: readonly Word[],
  by: Caller,
  place: ServicePlace,
  input: string,
  reading: Reading,
): Promise<void> {
  const { line, context, found } = reading;
  const command = readCommand(words, by);
  if (command.kind === 'other') return;
  if (command.kind === 'fault') {
    found.problems.push(problemAt(place, command.fault));
    return;
  }
  if (command.kind === 'shell')
    return readShell(command, placeBy(command.caller, place), input, reading);
  if (command.kind === 'file') {
    const isDirect = by === directCaller && command.words[0] === words[0];
    const at = placeBy(command.caller, place);
    const searchPath = isDirect ? place.searchPath : searchPathOf(command.caller, place, context);
    return readFile(command, { ...at, searchPath }, input, reading);
  }
  if (command.kind === 'parts') {
    return readParts(command, placeBy(command.caller, place), reading);
  }
  const at = placeBy(command.command.caller, place);
  if (command.kind === 'container') {
    await placedImages(command.command, line, at, context, found);
  } else await placedProject(command.command, line, at, context, found);
}

/** The place of a command in the directory that its caller chooses. */
function placeBy({ directory }: Caller, place: ServicePlace): ServicePlace {
  if (directory === undefined) return place;
  const { directoryFault: _, ...known } = place;
  return directory.fault === undefined
    ? { ...known, directory: posix.resolve('/', place.directory, directory.text) }
    : { ...known, directory: '/', directoryFault: directory.fault };
}

/** Adds the images of a shell's script, which is a word or the input. */
async function readShell(
  { script, args, stopsAtFailure, caller }: ReadCommand & { kind: 'shell' },
  place: ServicePlace,
  input: string,
  reading: Reading,
): Promise<void> {
  const text = script?.text ?? readInput(place, input, reading.context);
  if (text === undefined) {
    reading.found.problems.push(problemAt(place, notUnderstood));
  } else if (script?.fault === undefined) {
    await readText({ text, args, stopsAtFailure, caller }, place, notUnderstood, reading);
  } else if (seemsToStart(script.text) || reading.depth > 0) {
    reading.found.problems.push(problemAt(place, script.fault));
  }
}

/** The script that a shell reads from its standard input; undefined if the root does not tell it. */
function readInput(
  { isPiped, inputFile, directory, directoryFault }: ServicePlace,
  input: string,
  { scripts }: ServiceContext,
): string | undefined {
  if (inputFile === undefined) return isPiped === true ? undefined : input;
  if (inputFile.printed !== undefined) return inputFile.printed;
  if (inputFile.fault !== undefined || directoryFault !== undefined) return undefined;
  const path = posix.resolve(directory, inputFile.text);
  return path.startsWith('/dev/') ? '' : scripts.files.text(path);
}

/** Adds the images of a file that is started, if it is a script. */
async function readFile(
  { words, stopsAtFailure, caller, fault, reader }: ReadCommand & { kind: 'file' },
  place: ServicePlace,
  input: string,
  reading: Reading,
): Promise<void> {
  const { context, found, depth } = reading;
  const [file = { text: '', raw: '' }] = words;
  const add = (problem: Fault) => found.problems.push(problemAt(place, problem));
  if (reader === 'shell' && file.printed !== undefined) {
    const text = { text: file.printed, args: words, stopsAtFailure, caller };
    return readText(text, place, notUnderstood, reading);
  }
  // An interpreter runs the first of its words that is a file.
  const candidates = reader === 'interpreter' ? words.slice(0, mostCandidates) : [file];
  const script = candidates
    .filter((word) => word.fault === undefined)
    .map((word) => context.scripts.find(word.text, place, reader))
    .find((one) => one !== undefined);
  if (script === undefined) {
    if (fault !== undefined) add(fault);
    else if (mentionsImages(input)) add(unreadProgram(posix.basename(file.text) || 'a program'));
    else if (depth > 0 && isMadeByHost(file, reader, place)) add(madeByHost);
    return;
  }
  const { path, text, isShell } = script;
  if (context.scripts.files.isSpent) {
    add(tooManyScripts);
    return;
  }
  if (!isShell) {
    const lines = text.split('\n').filter((line) => !/^\s*#/.test(line));
    if (lines.some(mentionsImages)) add(unreadScript(path));
    else if (fault !== undefined) add(fault);
    return;
  }
  const stops = stopsAtFailure || /^#![^\n]*\s-[a-z]*e/.test(text);
  const args = [{ text: path, raw: path }, ...words.slice(1)];
  const followed = { text, args, stopsAtFailure: stops, caller };
  const own = context.scripts.files.isPrivate(path) ? { references: [], problems: [] } : found;
  await readText(followed, place, unreadScript(path), { ...reading, found: own });
  if (own !== found) addUnquoted(found, own, displayPath(path));
}

/** Adds what a private script names: no text of the script is quoted, since not everybody may read it. */
function addUnquoted(to: Findings, { references, problems }: Findings, path: string): void {
  for (const one of references) {
    const own = one.problems.map((problem) => unquoted(problem, path));
    to.references.push({ ...one, problems: own });
  }
  append(
    to.problems,
    problems.map((problem) => unquoted(problem, path)),
  );
}

/** Adds the images of all scripts of a directory. */
async function readParts(
  { words, isAny: runsAll, caller }: ReadCommand & { kind: 'parts' },
  place: ServicePlace,
  reading: Reading,
): Promise<void> {
  const directory = words.findLast(({ text }) => !text.startsWith('-'));
  if (directory === undefined || directory.fault !== undefined) return;
  const { scripts } = reading.context;
  const isAny = runsAll || scripts.find('run-parts', place) !== undefined || words.some(isPattern);
  for (const { path } of scripts.in(posix.resolve(place.directory, directory.text))) {
    // The program of Debian and busybox passes over other names; Fedora's is a script.
    if (!isAny && !/^[\w-]+$/.test(posix.basename(path))) continue;
    const file = {
      kind: 'file',
      words: [{ text: path, raw: path }],
      stopsAtFailure: false,
    } as const;
    await readFile({ ...file, caller }, place, '', reading);
  }
}

function isPattern({ text }: Word): boolean {
  return text.startsWith('--regex') || text === '--lsbsysinit';
}

/** Adds the images of the commands of a script. */
async function readText(
  text: ShellText,
  place: ServicePlace,
  unread: Fault,
  reading: Reading,
): Promise<void> {
  const { context, found, depth } = reading;
  const add = (fault: Fault) => found.problems.push(problemAt(place, fault));
  const result = commandsOf(text, place, context, depth === deepestCalls);
  if (!result.ok) {
    if (result.fault !== undefined) add(result.fault);
    else if (seemsToStart(withoutComments(text.text))) add(unread);
    return;
  }
  for (const command of result.commands) {
    if (!context.allowance.spend(costOfCommand + command.variables.size * costOfVariable)) {
      add(allowanceSpent);
      return;
    }
    await readShellCommand(command, text.caller, place, reading);
  }
}

function readShellCommand(
  { words, variables, ignoresFailure, directory, input, isPiped, inputFile }: ShellCommand,
  caller: Caller,
  place: ServicePlace,
  { line, depth, ...reading }: Reading,
): Promise<void> {
  const { directoryFault, ...known } = place;
  const at =
    directory === undefined
      ? {
          ...known,
          isPiped,
          inputFile,
          directory: '/',
          directoryFault: directoryFault ?? unknownDirectory,
        }
      : { ...known, isPiped, inputFile, directory };
  // The shell is in the caller's directory already.
  const { directory: _, ...others } = caller;
  const own = { ...others, variables: new Map([...caller.variables, ...variables]) };
  return readWords(words, own, at, input, {
    ...reading,
    line: { ...line, ignoresFailure: line.ignoresFailure || ignoresFailure },
    depth: depth + 1,
  });
}

function withoutComments(text: string): string {
  const lines = text.split('\n');
  return lines.filter((line) => !line.trimStart().startsWith('#')).join('\n');
}

function unreadScript(path: string): Fault {
  return {
    code: 'shell',
    message: `expected a script that berth can follow, found ${displayPath(path)}, which seems to start containers`,
    hint: 'call podman in ExecStart= itself, or write the image in a Quadlet unit',
  };
}

const tooManyScripts: Fault = {
  code: 'too-large',
  message: 'expected scripts of at most 32 MiB that services of the root start, found more',
  hint: 'remove scripts that no service needs; the images of the others are not all known',
};

const notUnderstood: Fault = {
  code: 'shell',
  message: 'expected a script that berth can follow, found one that seems to start containers',
  hint: 'call podman in ExecStart= itself, or write the image in a Quadlet unit',
};

const unknownDirectory: Fault = {
  code: 'shell',
  message:
    'expected a directory of the root, found a script that changes to one that the host chooses',
  hint: 'change to a directory that is written out, or use absolute paths',
};

const badQuotes: Fault = {
  code: 'command-line',
  message:
    'expected a command line, found an unfinished quote, for which systemd ignores it or the service',
  hint: 'correct the quotes',
};
