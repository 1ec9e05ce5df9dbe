import { posix } from 'node:path';
import type { Fault } from '../problem.ts';
import { ctr, docker, nerdctl, type OptionTable, optionTable, podman } from './option-tables.ts';
import { type Option, splitOptions } from './split-options.ts';
import type { Word } from './words.ts';

/** A command that may name images. */
export interface ContainerCommand {
  readonly program: 'podman' | 'docker' | 'nerdctl' | 'ctr';
  /** The program as written: `/usr/bin/docker`. */
  readonly path: string;
  readonly kind: 'run' | 'pull' | 'play';
  /** All options, including those before the subcommand. */
  readonly options: readonly Option[];
  /** The other words: the image and the container's command, several images, or files. */
  readonly rest: readonly Word[];
}

/** The command that a command line runs, or why it is not known. */
export type ReadCommand =
  | { readonly kind: 'container'; readonly command: ContainerCommand }
  /** A shell that runs a script given as a word (`-c`). */
  | {
      readonly kind: 'shell';
      readonly script: Word;
      readonly stopsAtFailure: boolean;
      /** Whether the shell's environment differs from the unit's. */
      readonly changesEnvironment: boolean;
    }
  | { readonly kind: 'fault'; readonly fault: Fault }
  /** A command that names no images. */
  | { readonly kind: 'other' };

const other: ReadCommand = { kind: 'other' };

/**
 * The programs that run a command given in their own words, with their options and the number of
 * words before the command.
 */
const wrappers: Readonly<Record<string, { options: OptionTable; skipped: number }>> = {
  env: {
    options: optionTable(
      'unset/u chdir/C',
      'ignore-environment/i null/0 debug/v default-signal ignore-signal',
    ),
    skipped: 0,
  },
  flock: {
    options: optionTable(
      'timeout/wait/w conflict-exit-code/E',
      'shared/s exclusive/x/e unlock/u nonblock/nb/n no-fork/F close/o verbose',
    ),
    skipped: 1,
  },
  nice: { options: optionTable('adjustment/n', ''), skipped: 0 },
  nohup: { options: optionTable('', ''), skipped: 0 },
  'systemd-inhibit': {
    options: optionTable('what who why mode', 'no-pager no-legend'),
    skipped: 0,
  },
  timeout: {
    options: optionTable('kill-after/k signal/s', 'foreground/f preserve-status/p verbose/v'),
    skipped: 1,
  },
};

/** The most such programs in one command line: each costs a copy of the words. */
const mostWrappers = 16;

const tooManyWrappers: Fault = {
  code: 'command-line',
  message: `expected a command behind at most ${mostWrappers} programs that run it, found more`,
  hint: 'call podman in ExecStart= itself',
};

const shells: ReadonlySet<string> = new Set(['sh', 'bash', 'dash', 'ash', 'zsh', 'ksh']);

/** Finds the command that a command line runs, behind programs such as `env` and `timeout`. */
export function readCommand(words: readonly Word[]): ReadCommand {
  let left = words;
  let changesEnvironment = false;
  for (let wrapped = 0; wrapped < mostWrappers; wrapped++) {
    const [first, ...args] = left;
    if (first === undefined || first.fault !== undefined) return other;
    const name = posix.basename(first.text);
    const wrapper = Object.hasOwn(wrappers, name) ? wrappers[name] : undefined;
    if (wrapper === undefined) {
      if (isProgram(name)) return containerCommand(name, first.text, args);
      return shells.has(name) ? shellCommand(args, changesEnvironment) : other;
    }
    const split = splitOptions(args, { tables: [wrapper.options], interspersed: false });
    if (!split.ok) return mentionsContainers(args) ? { kind: 'fault', fault: split.fault } : other;
    left = split.rest.slice(wrapper.skipped);
    if (name !== 'env') continue;
    const assignments = left.findIndex(({ text }) => !/^\w+=/.test(text));
    changesEnvironment ||= split.options.length > 0 || assignments > 0;
    left = left.slice(Math.max(0, assignments));
  }
  return mentionsContainers(left) ? { kind: 'fault', fault: tooManyWrappers } : other;
}

function mentionsContainers(words: readonly Word[]): boolean {
  return mentionsImages(words.map(({ text }) => text).join(' '));
}

/** Whether a text that berth can't parse probably names an image. */
export function mentionsImages(text: string): boolean {
  const program = /\b(?:podman|docker|nerdctl|ctr)\b/.exec(text);
  return program !== null && /\s(?:run|create|pull|play)(?:\s|$)/.test(text.slice(program.index));
}

function shellCommand(args: readonly Word[], changesEnvironment: boolean): ReadCommand {
  let stopsAtFailure = false;
  for (const [at, { text, fault, several }] of args.entries()) {
    if (several === true && fault !== undefined) return other;
    if (!/^[-+][A-Za-z]+$/.test(text)) return other;
    if (!text.startsWith('-')) continue;
    if (text.includes('e')) stopsAtFailure = true;
    if (!text.includes('c')) continue;
    const script = args[at + 1];
    return script === undefined
      ? other
      : { kind: 'shell', script, stopsAtFailure, changesEnvironment };
  }
  return other;
}

type Kind = ContainerCommand['kind'];

/** The subcommands that name images and that podman, docker and nerdctl have in common. */
const shared: Readonly<Record<string, Kind>> = {
  run: 'run',
  create: 'run',
  'container run': 'run',
  'container create': 'run',
  pull: 'pull',
  'image pull': 'pull',
};

const programs: Readonly<
  Record<
    ContainerCommand['program'],
    { tables: Tables; subcommands: Readonly<Record<string, Kind>> }
  >
> = {
  podman: {
    tables: podman,
    subcommands: { ...shared, 'kube play': 'play', 'play kube': 'play' },
  },
  docker: { tables: docker, subcommands: shared },
  nerdctl: { tables: nerdctl, subcommands: shared },
  ctr: {
    tables: ctr,
    subcommands: {
      run: 'run',
      'c create': 'run',
      'container create': 'run',
      'containers create': 'run',
      'i pull': 'pull',
      'image pull': 'pull',
      'images pull': 'pull',
    },
  },
};

interface Tables {
  readonly global: OptionTable;
  readonly run: OptionTable;
  readonly pull: OptionTable;
}

function isProgram(name: string): name is ContainerCommand['program'] {
  return Object.hasOwn(programs, name);
}

function containerCommand(
  program: ContainerCommand['program'],
  path: string,
  args: readonly Word[],
): ReadCommand {
  const { tables, subcommands } = programs[program];
  const global = splitOptions(args, { tables: [tables.global], interspersed: false });
  if (!global.ok) return { kind: 'fault', fault: global.fault };
  const [first, second] = global.rest;
  if (first?.fault !== undefined) return { kind: 'fault', fault: first.fault };
  const group = `${first?.text} ${second?.text}`;
  const isGroup = Object.hasOwn(subcommands, group);
  const subcommand = isGroup ? group : (first?.text ?? '');
  const kind = Object.hasOwn(subcommands, subcommand) ? subcommands[subcommand] : undefined;
  if (kind === undefined) return other;
  const own = { run: tables.run, pull: tables.pull, play: podman.play }[kind];
  const split = splitOptions(global.rest.slice(isGroup ? 2 : 1), {
    // podman and nerdctl accept most of their global options after the subcommand as well.
    tables: program === 'docker' || program === 'ctr' ? [own] : [own, tables.global],
    interspersed: kind !== 'run',
  });
  if (!split.ok) return { kind: 'fault', fault: split.fault };
  const options = [...global.options, ...split.options];
  if (options.some(({ name }) => name === 'help' || name === 'version')) return other;
  // With a specification of its own, a container of ctr has no image.
  if (program === 'ctr' && kind === 'run' && options.some(({ name }) => name === 'config'))
    return other;
  return { kind: 'container', command: { program, path, kind, options, rest: split.rest } };
}
