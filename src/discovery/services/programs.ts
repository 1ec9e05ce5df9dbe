import { posix } from 'node:path';
import { allowanceSpent } from '../allowance.ts';
import type { Fault } from '../problem.ts';
import { behind } from './behind-wrapper.ts';
import { type Caller, directCaller } from './caller.ts';
import { composeCommand } from './compose-command.ts';
import { foreignFault } from './foreign-programs.ts';
import { other, type ReadCommand } from './read-command.ts';
import { interpretedFiles, isInterpreter } from './scripts/interpreters.ts';
import { shellCommand, shells } from './shell-command.ts';
import { splitOptions } from './split-options.ts';
import { isProgram, type Program, programs, unreadSubcommand } from './subcommands.ts';
import { mentionsContainers, unreadProgram } from './unread-program.ts';
import type { Word } from './words.ts';
import { harmless, wrappers } from './wrappers.ts';

/** The most programs that run each other in one command line: each costs a copy of the words. */
const mostWrappers = 16;

/** Finds the command that a command line runs, behind programs such as `env` and `timeout`. */
export function readCommand(words: readonly Word[], by: Caller = directCaller): ReadCommand {
  let left = words;
  let caller = by;
  for (let wrapped = 0; wrapped < mostWrappers; wrapped++) {
    const [first, ...args] = left;
    if (first === undefined) return other;
    if (first.fault !== undefined) return unknownProgram(first, args);
    const name = posix.basename(first.text);
    const wrapper = Object.hasOwn(wrappers, name) ? wrappers[name] : undefined;
    if (wrapper === undefined) return unwrapped(first, name, args, caller);
    const inner = behind(name, wrapper, args, caller);
    if ('kind' in inner) return inner;
    left = inner.words;
    caller = inner.caller;
  }
  return mentionsContainers(left) ? { kind: 'fault', fault: tooManyWrappers } : other;
}

function unwrapped(first: Word, name: string, args: readonly Word[], caller: Caller): ReadCommand {
  const compose = composeCommand(name, first.text, args, caller);
  if (compose !== undefined) return compose;
  if (isProgram(name)) return containerCommand(name, first.text, args, caller);
  if (shells.has(name)) return shellCommand(first, args, caller);
  const foreign = foreignFault(name, args);
  if (foreign !== undefined) return { kind: 'fault', fault: foreign };
  if (harmless.has(name)) return other;
  if (name === 'run-parts') return { kind: 'parts', words: args, isAny: false, caller };
  if (name === 'find') return foundFiles(args, caller);
  const fault = mentionsContainers(args) ? { fault: unreadProgram(name) } : {};
  const file = { kind: 'file', stopsAtFailure: false, caller, ...fault } as const;
  if (!isInterpreter(name)) return { ...file, words: [first, ...args] };
  const own = interpretedFiles(
    name,
    args.map(({ text }) => text),
  ).map((text) => ({ text, raw: text }));
  const named = args.filter(({ text }) => !text.startsWith('-'));
  return { ...file, words: [...named, ...own], reader: 'interpreter' };
}

/** What `find DIRECTORY … -exec` runs: the files that it finds, by themselves or by a shell. */
function foundFiles(args: readonly Word[], caller: Caller): ReadCommand {
  const at = args.findIndex(({ text }) => /^-(?:exec|ok)(?:dir)?$/.test(text));
  const run = args[at + 1]?.text ?? '';
  if (at < 0 || !(run === '{}' || shells.has(posix.basename(run)))) {
    return mentionsContainers(args) ? { kind: 'fault', fault: unreadProgram('find') } : other;
  }
  const [directory] = args.slice(firstPlain(args));
  return { kind: 'parts', words: directory === undefined ? [] : [directory], isAny: true, caller };
}

/** The position of the first word that is no option. */
function firstPlain(words: readonly Word[]): number {
  const at = words.findIndex(({ text }) => !text.startsWith('-'));
  return at < 0 ? words.length : at;
}

/** The fault of a program that only the host knows (`$DOCKER run`), or that the allowance no longer covers. */
function unknownProgram({ fault }: Word, args: readonly Word[]): ReadCommand {
  const subcommand = args[firstPlain(args)]?.text ?? '';
  const mayStart =
    /^(?:compose|create|kube|play|pod|pull|run)$/.test(subcommand) ||
    fault === allowanceSpent ||
    mentionsContainers(args);
  return fault !== undefined && mayStart ? { kind: 'fault', fault } : other;
}

function containerCommand(
  program: Program,
  path: string,
  args: readonly Word[],
  caller: Caller,
): ReadCommand {
  const table = programs[program];
  const global = splitOptions(args, { tables: [table.global], interspersed: false });
  if (!global.ok) return { kind: 'fault', fault: global.fault };
  const [first, second] = global.rest;
  if (first === undefined) return other;
  if (first.fault !== undefined) return { kind: 'fault', fault: first.fault };
  const group = `${first.text} ${second?.text}`;
  const isGroup = Object.hasOwn(table.subcommands, group) || Object.hasOwn(table.unread, group);
  const name = isGroup ? group : first.text;
  const what = Object.hasOwn(table.unread, name) ? table.unread[name] : undefined;
  const known = Object.hasOwn(table.subcommands, name) ? table.subcommands[name] : undefined;
  if (what === undefined && known === undefined && table.silent.has(first.text)) return other;
  if (known === undefined) {
    return { kind: 'fault', fault: unreadSubcommand(program, name, what) };
  }
  const split = splitOptions(global.rest.slice(isGroup ? 2 : 1), {
    // podman and nerdctl accept most of their global options after the subcommand as well.
    tables: table.isMixed ? [known.options, table.global] : [known.options],
    interspersed: known.kind !== 'run' && known.kind !== 'runlabel',
  });
  if (!split.ok) return { kind: 'fault', fault: split.fault };
  const options = [...global.options, ...split.options];
  if (options.some((option) => option.name === 'help' || option.name === 'version')) return other;
  // With a specification of its own, a container of ctr has no image.
  if (program === 'ctr' && known.kind === 'run' && options.some((one) => one.name === 'config'))
    return other;
  const { kind } = known;
  return {
    kind: 'container',
    command: { program, path, kind, options, rest: split.rest, caller },
  };
}

const tooManyWrappers: Fault = {
  code: 'command-line',
  message: `expected a command behind at most ${mostWrappers} programs that run it, found more`,
  hint: 'call podman in ExecStart= itself',
};
