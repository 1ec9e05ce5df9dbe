import { posix } from 'node:path';
import type { Fault } from '../problem.ts';
import { type Caller, directCaller } from './caller.ts';
import { type ComposeCommand, composeCommand } from './compose-command.ts';
import { type Option, splitOptions } from './split-options.ts';
import { isProgram, type Kind, type Program, programs, unreadSubcommand } from './subcommands.ts';
import type { Word } from './words.ts';
import { harmless, userBy, type Wrapper, wrappers } from './wrappers.ts';

/** A command that may name images. */
export interface ContainerCommand {
  readonly program: Program;
  /** The program as written: `/usr/bin/docker`. */
  readonly path: string;
  readonly kind: Kind;
  /** All options, including those before the subcommand. */
  readonly options: readonly Option[];
  /** The other words: the image and the container's command, several images, or files. */
  readonly rest: readonly Word[];
  readonly caller: Caller;
}

/** The command that a command line runs, or why it is not known. */
export type ReadCommand =
  | { readonly kind: 'container'; readonly command: ContainerCommand }
  /** A shell that runs a script given as a word (`-c`). */
  | {
      readonly kind: 'shell';
      readonly script: Word;
      readonly stopsAtFailure: boolean;
      readonly caller: Caller;
    }
  | { readonly kind: 'compose'; readonly command: ComposeCommand }
  | { readonly kind: 'fault'; readonly fault: Fault }
  /** A command that names no images. */
  | {
      readonly kind: 'other';
      /** The program, which may be a script. */
      readonly program?: Word;
      readonly caller?: Caller;
    };

const other: ReadCommand = { kind: 'other' };

/** The most such programs in one command line: each costs a copy of the words. */
const mostWrappers = 16;

export const shells: ReadonlySet<string> = new Set(['sh', 'bash', 'dash', 'ash', 'zsh', 'ksh']);

/** Finds the command that a command line runs, behind programs such as `env` and `timeout`. */
export function readCommand(words: readonly Word[], by: Caller = directCaller): ReadCommand {
  let left = words;
  let caller = by;
  for (let wrapped = 0; wrapped < mostWrappers; wrapped++) {
    const [first, ...args] = left;
    if (first === undefined || first.fault !== undefined) return other;
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

/** Programs that run containers, and of which berth reads nothing. */
const containerPrograms: ReadonlySet<string> = new Set(['distrobox', 'podman-remote', 'toolbox']);

function unwrapped(first: Word, name: string, args: readonly Word[], caller: Caller): ReadCommand {
  const compose = composeCommand(name, first.text, args, caller);
  if (compose !== undefined) return compose;
  if (isProgram(name)) return containerCommand(name, first.text, args, caller);
  if (shells.has(name)) return shellCommand(args, caller);
  const said = containerPrograms.has(name) ? [{ ...first, text: name }, ...args] : args;
  if (harmless.has(name) || !mentionsContainers(said)) {
    return { kind: 'other', program: first, caller };
  }
  return { kind: 'fault', fault: unreadProgram(name) };
}

/** The command behind one program that runs it, or why the command can't be read. */
function behind(
  name: string,
  wrapper: Wrapper,
  args: readonly Word[],
  caller: Caller,
): { readonly words: readonly Word[]; readonly caller: Caller } | ReadCommand {
  const failed = (fault: Fault): ReadCommand =>
    mentionsContainers(args) ? { kind: 'fault', fault } : other;
  const isSu = wrapper.script !== undefined;
  const split = splitOptions(args, { tables: [wrapper.options], interspersed: isSu });
  if (!split.ok) return failed(split.fault);
  const { options } = split;
  const has = (option: string) => options.some((one) => one.name === option);
  const isAsOther = options.some(
    ({ name: option, value }) => option === 'property' && value?.text.startsWith('User='),
  );
  if (wrapper.elsewhere?.some(has) === true || isAsOther || moving.some(has)) {
    return failed(unreadProgram(name));
  }
  const withVariables = assigned(split.rest.slice(skippedBy(name, wrapper, split.rest)), wrapper);
  const [user, rest] = isSu
    ? userOfSu(wrapper, options, withVariables.rest)
    : [userBy(wrapper, options), withVariables.rest];
  const next: Caller = {
    resets: caller.resets || wrapper.resets === true || isSu || resetting.some(has),
    variables: new Map([...caller.variables, ...setBy(options), ...withVariables.variables]),
    ...(user === undefined ? (caller.user === undefined ? {} : { user: caller.user }) : { user }),
  };
  const script = options.findLast(
    ({ name: option }) => isSu && (option === 'command' || option === 'session-command'),
  )?.value;
  if (script !== undefined) return { kind: 'shell', script, stopsAtFailure: false, caller: next };
  return { words: rest, caller: next };
}

/** The options with which a command does not get the environment of its caller. */
const resetting = ['ignore-environment', 'unset', 'reset-env'];

/** The variables of systemd-run's `--setenv`. */
function setBy(options: readonly Option[]): [string, Word][] {
  return options.flatMap(({ name, value }): [string, Word][] => {
    const equals = value?.text.indexOf('=') ?? -1;
    if (name !== 'setenv' || value === undefined || equals <= 0) return [];
    return [[value.text.slice(0, equals), { ...value, text: value.text.slice(equals + 1) }]];
  });
}

/** chrt needs no priority for policies that have none. */
function skippedBy(name: string, { skipped = 0 }: Wrapper, [first]: readonly Word[]): number {
  return name === 'chrt' && !/^\d+$/.test(first?.text ?? '') ? 0 : skipped;
}

/**
 * The user and the command of `runuser -u USER COMMAND`, or the user of `su - USER -c SCRIPT`.
 *
 * Source: su(1), runuser(1). Words behind the user are arguments of the shell, not a command.
 */
function userOfSu(
  wrapper: Wrapper,
  options: readonly Option[],
  rest: readonly Word[],
): [Word | undefined, readonly Word[]] {
  const given = userBy(wrapper, options);
  if (given !== undefined) return [given, rest];
  const [user = { text: 'root', raw: 'root' }, ...others] = rest.filter(({ text }) => text !== '-');
  // The other words are options and arguments of the shell: `su USER -- -c SCRIPT`.
  return [user, others.length === 0 ? [] : [{ text: 'sh', raw: 'sh' }, ...others]];
}

/** The assignments before a command, and the command. */
function assigned(
  words: readonly Word[],
  { assigns }: Wrapper,
): { readonly variables: readonly [string, Word][]; readonly rest: readonly Word[] } {
  if (assigns !== true) return { variables: [], rest: words };
  const end = words.findIndex(({ text }) => !/^\w+=/.test(text));
  const count = end < 0 ? words.length : end;
  const variables = words.slice(0, count).map((word): [string, Word] => {
    const equals = word.text.indexOf('=');
    return [word.text.slice(0, equals), { ...word, text: word.text.slice(equals + 1) }];
  });
  return { variables, rest: words.slice(count) };
}

function mentionsContainers(words: readonly Word[]): boolean {
  return mentionsImages(words.map(({ text }) => text).join(' '));
}

/** Options with which a command runs in another directory, or is not a word of its own. */
const moving = ['chdir', 'split-string', 'working-directory'];

const mention =
  /(?:^|[-\s/"'`(;&|=@:+![,])(?:podman-remote|podman|docker|nerdctl|ctr|crictl|skopeo|buildah|docker-compose|podman-compose|toolbox|distrobox)(?=["'\s,])/;
const starting =
  /[\s"'[,](?:bake|build|bud|clone|compose|copy|create|deploy|fetch|from|import|install|load|mount|play|pull|restore|run|runlabel|runp|scp|sync|up)(?=["'\s;),]|$)/;

/** Whether a text that berth can't parse probably names an image. */
export function mentionsImages(text: string): boolean {
  const program = mention.exec(text);
  if (program === null) return false;
  const rest = text.slice(program.index + program[0].length);
  return starting.test(rest);
}

function shellCommand(args: readonly Word[], caller: Caller): ReadCommand {
  let stopsAtFailure = false;
  let isScript = false;
  for (let at = 0; at < args.length; at++) {
    const word = args[at];
    if (word === undefined || (word.several === true && word.fault !== undefined)) break;
    const { text } = word;
    const isOption = /^[-+][A-Za-z]+$/.test(text) || text.startsWith('--');
    if (!isOption || text === '--') {
      if (isScript) return { kind: 'shell', script: word, stopsAtFailure, caller };
      // A script in a file, with its arguments.
      return { kind: 'other', program: word, caller };
    }
    if (text.startsWith('--')) {
      if (text === '--rcfile' || text === '--init-file') at++;
      continue;
    }
    if (/[oO]$/.test(text)) {
      if (text.startsWith('-') && args[at + 1]?.text === 'errexit') stopsAtFailure = true;
      at++;
    }
    if (!text.startsWith('-')) continue;
    if (text.includes('e')) stopsAtFailure = true;
    if (text.includes('c')) isScript = true;
  }
  return mentionsContainers(args) ? { kind: 'fault', fault: unreadProgram('a shell') } : other;
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

function unreadProgram(name: string): Fault {
  return {
    code: 'command-line',
    message: `expected a command that berth reads, found one that ${name} runs, perhaps in another root, namespace or host`,
    hint: 'call podman in ExecStart= itself, or write the image in a Quadlet unit',
  };
}
