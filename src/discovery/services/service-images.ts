import { append } from '../../common/append.ts';
import { concealValue } from '../../common/concealed.ts';
import { type CommandLine, commandLines } from '../../systemd/command-line.ts';
import type { Environment } from '../../systemd/environment.ts';
import { list, scalar } from '../../systemd/lookup.ts';
import type { SystemdUnit } from '../../systemd/systemd-unit.ts';
import { parseUnitName } from '../../systemd/unit-name.ts';
import { placed } from '../engines/placement.ts';
import { lastValue } from '../engines/podman-of-user.ts';
import { tooManyPrivate } from '../expander.ts';
import type { Fault } from '../problem.ts';
import type { Found } from '../source.ts';
import { bindSetting } from '../x-berth.ts';
import { engineOfCommand } from './command-engine.ts';
import { commandImages } from './command-images.ts';
import { type ContainerCommand, mentionsImages, readCommand } from './programs.ts';
import {
  type Findings,
  problemAt,
  type ServiceContext,
  type ServicePlace,
} from './service-place.ts';
import { readShell } from './shell.ts';
import { systemdWords } from './systemd-words.ts';
import type { Word } from './words.ts';

const keys = ['ExecCondition', 'ExecStartPre', 'ExecStart', 'ExecStartPost'] as const;

/**
 * A quick check whether a service may name images, since most services have nothing to do with
 * containers.
 */
export function mayNameImages(unit: SystemdUnit): boolean {
  return unit.entries.some(({ key, value }) => key.startsWith('Exec') && runsContainers(value));
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
  const directory = workingDirectory(unit);
  for (const key of keys) {
    for (const entry of list(unit.entries, 'Service', key)) {
      if (!runsContainers(entry.value)) continue;
      await readEntry({ unit, subject, directory, entry }, context, found);
    }
  }
  const setting = scalar(unit.entries, 'X-Berth', 'Bind');
  if (setting !== undefined && setting.value !== '' && bind === undefined) {
    found.problems.push(problemAt({ unit, subject, directory, entry: setting }, badBind));
  }
  return found;
}

function runsContainers(value: string): boolean {
  return /podman|docker|nerdctl|\bctr\b/.test(value);
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
    await readWords(words, line, place, context, found, false);
  }
}

type Line = Pick<CommandLine, 'ignoresFailure' | 'ignoresUser'>;

async function readWords(
  words: readonly Word[],
  line: Line,
  place: ServicePlace,
  context: ServiceContext,
  found: Findings,
  inShell: boolean,
): Promise<void> {
  const command = readCommand(words);
  if (command.kind === 'fault') found.problems.push(problemAt(place, command.fault));
  else if (command.kind === 'container') {
    await placedImages(command.command, line, place, context, found);
  } else if (command.kind === 'shell') {
    const { script, stopsAtFailure, changesEnvironment } = command;
    const fault = inShell ? nestedShell : script.fault;
    if (fault !== undefined) {
      if (mentionsImages(script.text)) found.problems.push(problemAt(place, fault));
      return;
    }
    const environment = context.expander.environment({
      service: place.unit.name,
      entries: place.unit.entries,
    });
    const isKnown = environment.ok && !changesEnvironment;
    const values = isKnown ? environment.values : new Map<string, string>();
    if (isKnown && !concealUsed(environment, script.text)) {
      found.problems.push(problemAt(place, tooManyPrivate));
      return;
    }
    const shell = readShell(script.text, values, stopsAtFailure);
    if (!shell.ok) {
      if (shell.fault !== undefined) found.problems.push(problemAt(place, shell.fault));
      return;
    }
    for (const part of shell.commands) {
      const ignoresFailure = line.ignoresFailure || part.ignoresFailure;
      await readWords(part.words, { ...line, ignoresFailure }, place, context, found, true);
    }
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
  // The storage.conf of the system says nothing about the stores of a user's podman.
  const own = placement.engine === 'podman' ? context : { ...context, additionalStores: [] };
  await commandImages(command, line.ignoresFailure, place, own, images);
  append(
    found.references,
    images.references.map((reference) => placed(reference, placement)),
  );
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

function workingDirectory(unit: SystemdUnit): string {
  const value = scalar(unit.entries, 'Service', 'WorkingDirectory')?.value ?? '';
  return value.startsWith('/') ? value : '/';
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
