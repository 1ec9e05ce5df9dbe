import { append } from '../../common/append.ts';
import { onceFor } from '../../common/once-for.ts';
import { list, scalar } from '../../systemd/lookup.ts';
import type { SystemdUnit } from '../../systemd/systemd-unit.ts';
import type { UnitEntry } from '../../systemd/unit-file.ts';
import { commandKeys, isSection } from '../../systemd/wanted-keys.ts';
import type { Fault } from '../problem.ts';
import type { Found } from '../source.ts';
import { bindSetting } from '../x-berth.ts';
import { ignoredLines } from './ignored-lines.ts';
import { mentionsImages, mentionsPrograms, startsUnknown } from './mentions.ts';
import { mayStart } from './scripts/may-start.ts';
import type { Scripts } from './scripts/scripts.ts';
import { execSearchPath } from './scripts/search-path.ts';
import {
  type Findings,
  isForInstances,
  problemAt,
  type ServiceContext,
  type ServicePlace,
} from './service-place.ts';
import { readEntry } from './started-commands.ts';

/**
 * A quick check whether a service may name images, since most services have nothing to do with
 * containers.
 */
export function mayNameImages(unit: SystemdUnit, scripts: Scripts): boolean {
  if (inputOf(unit, scripts) !== undefined) return true;
  return unit.entries.some(
    ({ group, key, value, quadlet }) =>
      (group === 'Service' || !isSection(group)) &&
      key.startsWith('Exec') &&
      quadlet !== true &&
      mayName(value, unit, scripts),
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
  const directory = { ...workingDirectory(unit, context), searchPath: execSearchPath(unit) };
  // An image that a service needs only when it stops or reloads must be there, too.
  for (const key of commandKeys) {
    for (const entry of list(unit.entries, 'Service', key)) {
      if (entry.quadlet === true || context.allowance.isFull) continue;
      if (!mayName(entry.value, unit, context.scripts)) continue;
      const own: Findings = { references: found.references, problems: [] };
      await readEntry({ unit, subject, ...directory, entry }, context, own);
      append(found.problems, context.allowance.admitProblems(own.problems));
    }
  }
  append(found.problems, ignoredLines(unit, subject));
  const input = inputOf(unit, context.scripts);
  if (input !== undefined) {
    found.problems.push(problemAt({ unit, subject, ...directory, entry: input }, unreadInput));
  }
  for (const key of ['RootDirectory', 'RootImage']) {
    const entry = scalar(unit.entries, 'Service', key);
    if (entry === undefined || ['', '/'].includes(entry.value)) continue;
    found.problems.push(problemAt({ unit, subject, ...directory, entry }, otherRoot(key)));
  }
  const setting = scalar(unit.entries, 'X-Berth', 'Bind');
  if (setting !== undefined && setting.value !== '' && bind === undefined) {
    found.problems.push(problemAt({ unit, subject, ...directory, entry: setting }, badBind));
  }
  return found;
}

function mayName(value: string, unit: SystemdUnit, scripts: Scripts): boolean {
  const whence = () => whenceOf(unit);
  return mentionsPrograms(value) || startsUnknown(value) || mayStart(value, whence, scripts);
}

/** Where the commands of a unit find programs and scripts, as it is written. */
const whenceOf = onceFor((unit: SystemdUnit) => ({
  directory: scalar(unit.entries, 'Service', 'WorkingDirectory')?.value.replace(/^-/, '') ?? '/',
  searchPath: `${execSearchPath(unit) ?? ''}:${writtenPath(unit.entries)}:$PATH`,
}));

/** The PATH that a service sets for its commands, as it is written. */
function writtenPath(entries: SystemdUnit['entries']): string {
  const values = list(entries, 'Service', 'Environment').map(({ value }) => value);
  return /(?:^|[\s"'])PATH=([^\s"']+)/.exec(values.join(' '))?.[1] ?? '';
}

/**
 * The directory in which systemd starts the commands of a service; `/` without one. The fault of a
 * template itself, which never starts, is that its instances choose the directory.
 */
function workingDirectory(
  unit: SystemdUnit,
  { expander }: ServiceContext,
): Pick<ServicePlace, 'directory' | 'directoryFault'> {
  const { name, entries } = unit;
  const written = scalar(entries, 'Service', 'WorkingDirectory')?.value ?? '';
  const value = written.replace(/^-/, '');
  const unknown = (directoryFault: Fault) => ({ directory: '/', directoryFault });
  if (value === '~') return unknown(homeDirectory);
  if (isForInstances({ unit }, value)) return unknown(homeDirectory);
  const expanded = expander.expandSpecifiers({ service: name, entries }, value);
  if (!expanded.ok) return unknown(expanded.fault);
  const directory = expanded.words[0] ?? '';
  return { directory: directory.startsWith('/') ? directory : '/' };
}

const homeDirectory: Fault = {
  code: 'command-line',
  message: 'expected a working directory of the root, found one that only the booted host knows',
  hint: 'write the path in WorkingDirectory=, or name the files with --file',
};

/** The setting that gives a service an input which seems to start containers: a script for a shell. */
function inputOf({ entries }: SystemdUnit, scripts: Scripts): UnitEntry | undefined {
  const [text] = list(entries, 'Service', 'StandardInputText').filter(({ value }) =>
    mentionsImages(value),
  );
  if (text !== undefined) return text;
  const file = scalar(entries, 'Service', 'StandardInput');
  if (file?.value.startsWith('file:/') !== true) return undefined;
  const content = scripts.files.text(file.value.slice('file:'.length)) ?? '';
  return mentionsImages(content) ? file : undefined;
}

const unreadInput: Fault = {
  code: 'shell',
  message: 'expected a service without an input, found one that seems to start containers',
  hint: 'give the script to the shell as a file, or name its images in a list in /usr/lib/berth/images.d',
};

function otherRoot(key: string): Fault {
  return {
    code: 'command-line',
    message: `expected a service whose programs are those of the root, found ${key}=, with which they and their images lie elsewhere`,
    hint: 'name the images in a list in /usr/lib/berth/images.d',
  };
}

const badBind: Fault = {
  code: 'bind-setting',
  message: 'expected yes or no in Bind=, found something else',
  hint: 'write Bind=yes or Bind=no',
};
