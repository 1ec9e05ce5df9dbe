import { posix } from 'node:path';
import { concealValue } from '../../common/concealed.ts';
import { displayPath } from '../../common/path-bytes.ts';
import { commandLines } from '../../systemd/command-line.ts';
import type { Environment } from '../../systemd/environment/environment.ts';
import { allowanceSpent } from '../allowance.ts';
import { tooManyPrivate } from '../expander.ts';
import type { Fault } from '../problem.ts';
import { type Caller, directCaller } from './caller.ts';
import { type Line, placedImages, placedProject } from './images/placed-images.ts';
import { mentionsImages, seemsToStart } from './mentions.ts';
import { readCommand } from './programs.ts';
import type { ReadCommand } from './read-command.ts';
import {
  type Findings,
  problemAt,
  type ServiceContext,
  type ServicePlace,
} from './service-place.ts';
import { NotUnderstood } from './shell/cursor.ts';
import { shellCommands } from './shell/evaluate.ts';
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
/** In characters: a longer script is not followed. */
const longestFollowed = 128 * 1024;
/** The allowance counts expanded characters; following one of a script takes as long as so many. */
const costOfFollowing = 8;
/** Reading a command of a script takes as long, and needs as much memory, as expanding so many characters. */
const costOfCommand = 512;
/** The same for each variable that the command gets. */
const costOfVariable = 32;

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
  if (command.kind === 'file')
    return readFile(command, placeBy(command.caller, place), input, reading);
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
  } else if (seemsToStart(script.text)) {
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
  if (inputFile.fault !== undefined || directoryFault !== undefined) return undefined;
  const path = posix.resolve(directory, inputFile.text);
  return path.startsWith('/dev/') ? '' : scripts.text(path);
}

/** Adds the images of a file that is started, if it is a script. */
async function readFile(
  { words, stopsAtFailure, caller, fault, isByShell }: ReadCommand & { kind: 'file' },
  place: ServicePlace,
  input: string,
  reading: Reading,
): Promise<void> {
  const { context, found } = reading;
  const [file] = words;
  const script =
    file === undefined || file.fault !== undefined
      ? undefined
      : context.scripts.find(file.text, place.directory, isByShell);
  const add = (problem: Fault) => found.problems.push(problemAt(place, problem));
  if (script === undefined) {
    if (fault !== undefined) add(fault);
    else if (mentionsImages(input)) add(unreadProgram(posix.basename(file?.text ?? '')));
    return;
  }
  const { path, text, isShell } = script;
  if (context.scripts.isSpent) {
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
  await readText({ text, args, stopsAtFailure: stops, caller }, place, unreadScript(path), reading);
}

interface ShellText {
  readonly text: string;
  readonly args: readonly Word[];
  readonly stopsAtFailure: boolean;
  readonly caller: Caller;
}

/** Adds the images of the commands of a script. */
async function readText(
  { text, args, stopsAtFailure, caller }: ShellText,
  place: ServicePlace,
  unread: Fault,
  reading: Reading,
): Promise<void> {
  const { context, found, depth } = reading;
  const { unit, directory, directoryFault } = place;
  const add = (fault: Fault) => found.problems.push(problemAt(place, fault));
  if (!context.allowance.spend(text.length * costOfFollowing)) {
    add(allowanceSpent);
    return;
  }
  const environment = context.expander.environment({ service: unit.name, entries: unit.entries });
  const isKnown = environment.ok && !caller.resets;
  if (isKnown && !concealUsed(environment, text)) {
    add(tooManyPrivate);
    return;
  }
  const given = Array.from(caller.variables).flatMap(([name, word]): [string, string][] =>
    word.fault === undefined ? [[name, word.text]] : [],
  );
  const commands =
    depth === deepestCalls || text.length > longestFollowed
      ? undefined
      : shellCommands(text, {
          environment: new Map([...(isKnown ? environment.values : []), ...given]),
          isWhole: isKnown && given.length === caller.variables.size,
          stopsAtFailure,
          args,
          directory: directoryFault === undefined ? directory : undefined,
          readFile: (path) => includedText(path, context, isKnown ? environment : undefined),
        });
  if (commands === undefined) {
    if (seemsToStart(withoutComments(text))) add(unread);
    return;
  }
  for (const command of commands) {
    if (!context.allowance.spend(costOfCommand + command.variables.size * costOfVariable)) {
      add(allowanceSpent);
      return;
    }
    await readShellCommand(command, caller, place, reading);
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

/**
 * The text of a file that a script includes or prints; private values in the file, and those that the
 * file uses, are concealed.
 */
function includedText(
  path: string,
  { scripts }: ServiceContext,
  environment: (Environment & { ok: true }) | undefined,
): string | undefined {
  const text = scripts.text(path);
  if (text === undefined) return undefined;
  const isConcealed =
    (environment === undefined || concealUsed(environment, text)) &&
    (!scripts.isPrivate(path) || concealLines(text));
  if (!isConcealed) throw new NotUnderstood();
  return text;
}

/** Conceals the values that the lines of a file assign, and lines of one word, such as a tag. */
function concealLines(text: string): boolean {
  return text.split('\n').every((line) => {
    const found = /^\s*(?:export\s+)?(?:\w+=)?(["']?)(.*)\1\s*$/.exec(line);
    const isValue = /^\s*(?:export\s+)?\w+=|^\s*\S+\s*$/.test(line);
    return !isValue || concealValue(found?.[2] ?? '');
  });
}

function withoutComments(text: string): string {
  return text.replace(/^\s*#.*$/gm, '');
}

/**
 * Conceals the private values that a script may use. The script is not followed that far: all
 * variables that it names count.
 *
 * @returns false if there are too many values to conceal.
 */
function concealUsed(
  { values, privateNames }: Environment & { ok: true },
  script: string,
): boolean {
  return [...privateNames]
    .filter((name) => new RegExp(`\\$\\{?${name}(?![A-Za-z0-9_])`).test(script))
    .every((name) => concealValue(values.get(name) ?? ''));
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
