import { posix } from 'node:path';
import { append } from '../../common/append.ts';
import { concealValue } from '../../common/concealed.ts';
import { displayPath } from '../../common/path-bytes.ts';
import { dockerShortNames, noShortNames, type ShortNames } from '../../image/short-names.ts';
import { type CommandLine, commandLines } from '../../systemd/command-line.ts';
import type { Environment } from '../../systemd/environment/environment.ts';
import { list, scalar } from '../../systemd/lookup.ts';
import type { SystemdUnit } from '../../systemd/systemd-unit.ts';
import { parseUnitName } from '../../systemd/unit-name.ts';
import { dockerProgram } from '../engines/docker-program.ts';
import { type Placement, placed } from '../engines/placement.ts';
import { lastValue } from '../engines/podman-of-user.ts';
import { shortNamesOf } from '../engines/short-names.ts';
import { tooManyPrivate } from '../expander.ts';
import { podmanEnvironment, withAuthFile } from '../podman-environment.ts';
import type { Fault } from '../problem.ts';
import type { Found } from '../source.ts';
import { bindSetting } from '../x-berth.ts';
import { type Caller, directCaller } from './caller.ts';
import { commandImages } from './command-images.ts';
import type { ComposeCommand } from './compose-command.ts';
import { composedImages } from './composed-images.ts';
import { engineOfCommand, engineOfCompose } from './engine/command-engine.ts';
import { type ContainerCommand, mentionsImages, readCommand } from './programs.ts';
import type { Script, Scripts } from './scripts.ts';
import {
  type Findings,
  problemAt,
  type ServiceContext,
  type ServicePlace,
} from './service-place.ts';
import { readShell, type ShellCommand } from './shell.ts';
import { systemdWords } from './systemd-words.ts';
import type { Word } from './words.ts';

/** An image that is needed only when a service stops or reloads must be there then, too. */
const keys = [
  'ExecCondition',
  'ExecStartPre',
  'ExecStart',
  'ExecStartPost',
  'ExecReload',
  'ExecReloadPost',
  'ExecStop',
  'ExecStopPost',
] as const;

/**
 * A quick check whether a service may name images, since most services have nothing to do with
 * containers.
 */
export function mayNameImages(unit: SystemdUnit, scripts: Scripts): boolean {
  return unit.entries.some(
    ({ group, key, value, quadlet }) =>
      group === 'Service' &&
      key.startsWith('Exec') &&
      quadlet !== true &&
      (runsContainers(value) || scripts.in(value) !== undefined),
  );
}

/** Finds the images in the command lines of one service. */
export async function imagesOfService(unit: SystemdUnit, context: ServiceContext): Promise<Found> {
  const found: Findings = { references: [], problems: [] };
  const bind = bindSetting(unit.entries);
  const subject = {
    unitPath: unit.path,
    unit: unit.name,
    ...(bind === undefined ? {} : { bind }),
  };
  const directory = workingDirectory(unit, context);
  for (const key of keys) {
    for (const entry of list(unit.entries, 'Service', key)) {
      if (entry.quadlet === true) continue;
      const place = { unit, subject, directory, entry };
      const script = context.scripts.in(entry.value);
      if (script !== undefined) await readScript(script, place, context, found);
      if (runsContainers(entry.value)) await readEntry(place, context, found);
    }
  }
  const setting = scalar(unit.entries, 'X-Berth', 'Bind');
  if (setting !== undefined && setting.value !== '' && bind === undefined) {
    found.problems.push(problemAt({ unit, subject, directory, entry: setting }, badBind));
  }
  return found;
}

function runsContainers(value: string): boolean {
  return /podman|docker|nerdctl|skopeo|buildah|crictl|toolbox|distrobox|\bctr\b/.test(value);
}

/** Reads a script that a service starts: as far as it is plain. */
async function readScript(
  { path, shell }: Script,
  place: ServicePlace,
  context: ServiceContext,
  found: Findings,
): Promise<void> {
  const { unit } = place;
  const environment = context.expander.environment({ service: unit.name, entries: unit.entries });
  const isPrivate = environment.ok && environment.privateNames.size > 0;
  const read =
    shell === undefined || isPrivate
      ? undefined
      : readShell(shell, environment.ok ? environment.values : new Map(), false);
  if (read?.ok !== true) {
    found.problems.push(problemAt(place, unreadScript(path)));
    return;
  }
  const [line = { ignoresFailure: false, ignoresUser: false }] =
    commandLines(place.entry.value) ?? [];
  const [command] = (commandLines(place.entry.value) ?? []).map((one) =>
    readCommand(systemdWords(one, unit, context.expander)),
  );
  const caller = command?.kind === 'other' ? (command.caller ?? directCaller) : directCaller;
  await readParts(read.commands, line, caller, place, context, found);
}

/** Reads the commands of a script one after the other, each in the directory that `cd` chose. */
async function readParts(
  commands: readonly ShellCommand[],
  line: Line,
  caller: Caller,
  place: ServicePlace,
  context: ServiceContext,
  found: Findings,
): Promise<void> {
  let at = place;
  for (const part of commands) {
    const [first, to] = part.words;
    if (first?.text === 'cd' && to !== undefined && to.fault === undefined) {
      at = { ...at, directory: posix.resolve('/', at.directory, to.text) };
      continue;
    }
    const variables = new Map([...caller.variables, ...part.variables]);
    const own = { ...line, ignoresFailure: line.ignoresFailure || part.ignoresFailure };
    await readWords(part.words, own, { ...caller, variables }, at, context, found, true);
  }
}

function unreadScript(path: string): Fault {
  return {
    code: 'shell',
    message: `expected a script of plain commands, found ${displayPath(path)}, which seems to start containers and has more than that`,
    hint: 'call podman in ExecStart= itself, or write the image in a Quadlet unit',
  };
}

async function readEntry(
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
    await readWords(words, line, directCaller, place, context, found, false);
  }
}

type Line = Pick<CommandLine, 'ignoresFailure' | 'ignoresUser'>;

async function readWords(
  words: readonly Word[],
  line: Line,
  by: Caller,
  place: ServicePlace,
  context: ServiceContext,
  found: Findings,
  inShell: boolean,
): Promise<void> {
  const command = readCommand(words, by);
  if (command.kind === 'fault') found.problems.push(problemAt(place, command.fault));
  else if (command.kind === 'container') {
    await placedImages(command.command, line, place, context, found);
  } else if (command.kind === 'compose') {
    await placedProject(command.command, line, place, context, found);
  } else if (command.kind === 'shell') {
    const { script, stopsAtFailure, caller } = command;
    const fault = inShell ? nestedShell : script.fault;
    if (fault !== undefined) {
      if (mentionsImages(script.text)) found.problems.push(problemAt(place, fault));
      return;
    }
    const environment = context.expander.environment({
      service: place.unit.name,
      entries: place.unit.entries,
    });
    const isKnown = environment.ok && !caller.resets;
    const own = isKnown ? [...environment.values] : [];
    const given = Array.from(caller.variables).flatMap(
      ([name, { text, fault }]): [string, string][] => (fault === undefined ? [[name, text]] : []),
    );
    const values = new Map([...own, ...given]);
    if (isKnown && !concealUsed(environment, script.text)) {
      found.problems.push(problemAt(place, tooManyPrivate));
      return;
    }
    const shell = readShell(script.text, values, stopsAtFailure);
    if (!shell.ok) {
      if (shell.fault !== undefined) found.problems.push(problemAt(place, shell.fault));
      return;
    }
    await readParts(shell.commands, line, caller, place, context, found);
  }
}

/** Adds the images of a command, with the engine that runs their containers. */
async function placedImages(
  command: ContainerCommand,
  line: Line,
  place: ServicePlace,
  context: ServiceContext,
  found: Findings,
): Promise<void> {
  const placement = await engineOfCommand(command, line, place, context);
  if (placement.fault !== undefined && isForInstances(place.unit)) return;
  const images: Findings = { references: [], problems: found.problems };
  const { program, path, caller } = command;
  const isPodman =
    ['podman', 'skopeo', 'buildah'].includes(program) ||
    (program === 'docker' && dockerProgram(path, context) === 'podman');
  const unit = {
    service: place.unit.name,
    entries: caller.resets ? [] : place.unit.entries,
  };
  const environment = isPodman
    ? await podmanEnvironment(unit, context, caller.variables)
    : undefined;
  const own = {
    ...context,
    // The storage.conf of the system says nothing about the stores of a user's podman.
    additionalStores: placement.engine === 'podman' ? (context.additionalStores ?? []) : [],
    shortNames: namesFor(
      program,
      isPodman,
      placement,
      environment?.shortNames ?? context.shortNames,
    ),
  };
  await commandImages(command, line.ignoresFailure, place, own, images);
  const faults = environment?.faults.map((fault) => problemAt(place, fault)) ?? [];
  append(
    found.references,
    images.references.map((reference) => {
      const { problems, ...rest } = environment ? withAuthFile(reference, environment) : reference;
      return placed({ ...rest, problems: [...problems, ...faults] }, placement);
    }),
  );
}

/** Adds the images of a Compose project, with the engine that runs its containers. */
async function placedProject(
  command: ComposeCommand,
  line: Line,
  place: ServicePlace,
  context: ServiceContext,
  found: Findings,
): Promise<void> {
  const placement = await engineOfCompose(command, line, place, context);
  if (placement.fault !== undefined && isForInstances(place.unit)) return;
  const images: Findings = { references: [], problems: found.problems };
  await composedImages(command, line.ignoresFailure, place, context, images);
  append(
    found.references,
    images.references.map((reference) => placed(reference, placement)),
  );
}

/** The meaning of names without a registry to a program. */
function namesFor(
  program: ContainerCommand['program'],
  isPodman: boolean,
  { engine }: Placement,
  ofRoot: ShortNames,
): ShortNames {
  if (program === 'ctr') return noShortNames;
  if (program === 'crictl') return shortNamesOf(engine, ofRoot);
  // skopeo's `docker://nginx` is Docker Hub's.
  return isPodman && program !== 'skopeo' ? ofRoot : dockerShortNames;
}

/** Whether only instances of a template have a user: the template itself never starts. */
function isForInstances({ name, entries }: SystemdUnit): boolean {
  return parseUnitName(name).instance === '' && /%[iIfjJ]/.test(lastValue(entries, 'User'));
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

/** The directory in which systemd starts the commands of a service; `/` without one. */
function workingDirectory({ name, entries }: SystemdUnit, { expander }: ServiceContext): string {
  const written = scalar(entries, 'Service', 'WorkingDirectory')?.value ?? '';
  const value = written.replace(/^-/, '');
  const expanded = expander.expandSpecifiers({ service: name, entries }, value);
  const directory = expanded.ok ? (expanded.words[0] ?? '') : '';
  return directory.startsWith('/') ? directory : '/';
}

const badQuotes: Fault = {
  code: 'command-line',
  message:
    'expected a command line, found an unfinished quote or an unknown escape, for which systemd ignores it',
  hint: 'correct the quotes and escapes',
};

const nestedShell: Fault = {
  code: 'shell',
  message: 'expected a plain script, found one that runs another shell',
  hint: 'call podman in ExecStart= itself, or write the image in a Quadlet unit',
};

const badBind: Fault = {
  code: 'bind-setting',
  message: 'expected yes or no in Bind=, found something else',
  hint: 'write Bind=yes or Bind=no',
};
