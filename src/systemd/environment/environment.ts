import { type Root, RootError } from '../../root/root.ts';
import { type Etc, whereInTree } from '../etc.ts';
import { globbed } from '../glob.ts';
import { list } from '../lookup.ts';
import type { Expanded } from '../specifiers.ts';
import type { UnitEntry } from '../unit-file.ts';
import { splitWords } from '../words.ts';
import { parseEnvironmentFile } from './environment-file.ts';
import type { ManagerEnvironment } from './manager-environment.ts';

/** The variables that a unit sets, or why they are not known. */
export type Environment =
  | {
      readonly ok: true;
      readonly values: ReadonlyMap<string, string>;
      /** The variables whose value comes from a file that not everybody may read. */
      readonly privateNames: ReadonlySet<string>;
    }
  | { readonly ok: false; readonly message: string; readonly hint: string };

/** The inputs of an environment besides the unit's entries. */
export interface EnvironmentSources {
  readonly root: Root;
  readonly etc: Etc;
  readonly expand: (text: string) => Expanded;
  /** The variables of the manager; none by default. */
  readonly manager?: ManagerEnvironment;
  /** Takes the bytes of a file from those that may be read; false if too few are left. */
  readonly spend: (bytes: number) => boolean;
}

/** The time to open a file is that to read so many bytes. */
const COST_OF_FILE = 512;

/**
 * The variables of a service: those of its manager, then those that its unit sets. `EnvironmentFile=`
 * overrides `Environment=`, and a later file an earlier one. `UnsetEnvironment=` comes last.
 *
 * Source: systemd.exec(5), "Environment".
 */
export function environmentOf(
  entries: readonly UnitEntry[],
  sources: EnvironmentSources,
): Environment {
  const { expand, manager } = sources;
  const values = new Map(fromManager(entries, manager));
  const privateNames = new Set<string>();
  for (const entry of list(entries, 'Service', 'Environment')) {
    for (const word of splitWords(entry.value, { escapes: true, relaxed: false }) ?? []) {
      const assignment = expand(word);
      if (!assignment.ok) return assignment;
      const equals = assignment.text.indexOf('=');
      if (equals > 0)
        values.set(assignment.text.slice(0, equals), assignment.text.slice(equals + 1));
    }
  }
  for (const entry of list(entries, 'Service', 'EnvironmentFile')) {
    const optional = entry.value.startsWith('-');
    const path = expand(optional ? entry.value.slice(1) : entry.value);
    if (!path.ok) return path;
    const file = readValues(path.text, optional, sources);
    if ('ok' in file) return file;
    for (const [name, { value, isPrivate }] of file) {
      values.set(name, value);
      if (isPrivate) privateNames.add(name);
      else privateNames.delete(name);
    }
  }
  for (const word of wordsOf(entries, 'UnsetEnvironment')) {
    const name = word.split('=', 1)[0] ?? word;
    if (word === name || values.get(name) === word.slice(name.length + 1)) values.delete(name);
  }
  return { ok: true, values, privateNames };
}

/** Variables that systemd sets for each service itself, so that those of the manager don't count. */
const ownOfService = ['HOME', 'INVOCATION_ID', 'LOGNAME', 'SHELL', 'SYSTEMD_EXEC_PID', 'USER'];

function* fromManager(
  entries: readonly UnitEntry[],
  manager: ManagerEnvironment | undefined,
): Iterable<readonly [string, string]> {
  if (manager === undefined) return;
  const passed = wordsOf(entries, 'PassEnvironment');
  for (const [name, value] of manager.inherited) {
    // A passed variable may come from the kernel's command line.
    if (!ownOfService.includes(name) && !passed.includes(name)) yield [name, value];
  }
  for (const name of passed) {
    const value = manager.passed.get(name);
    if (value !== undefined) yield [name, value];
  }
}

function wordsOf(entries: readonly UnitEntry[], key: string): readonly string[] {
  return list(entries, 'Service', key).flatMap(
    ({ value }) => splitWords(value, { escapes: true, relaxed: false }) ?? [],
  );
}

interface FileValue {
  readonly value: string;
  readonly isPrivate: boolean;
}

function readValues(
  path: string,
  optional: boolean,
  { root, etc, spend }: EnvironmentSources,
): ReadonlyMap<string, FileValue> | (Environment & { ok: false }) {
  const unknown = (found: string) =>
    ({
      ok: false,
      message: `expected the variables of EnvironmentFile=${path}, ${found}`,
      hint: 'write the value out in the unit, or set it with Environment=',
    }) as const;
  // The booted host writes into /run and /var: even an optional file may exist there.
  const madeByHost = path.startsWith('/run/') || path.startsWith('/var/');
  const values = new Map<string, FileValue>();
  try {
    const files = globbed(root, whereInTree(etc, path));
    if (files === undefined) {
      return unknown('found a pattern that matches too many directories');
    }
    if (files.length === 0 && (!optional || madeByHost)) {
      return unknown('found no such file in the root');
    }
    for (const file of files) {
      const found = root.readFile(file);
      if (found === undefined) continue;
      const { content, isPrivate } = found;
      if (!spend(COST_OF_FILE + content.length)) {
        return unknown('found more files of variables in all units than berth reads');
      }
      for (const [name, value] of parseEnvironmentFile(content.toString())) {
        values.set(name, { value, isPrivate });
      }
    }
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    const message = `the variables of EnvironmentFile=${path} are not known: ${error.message}`;
    return { ok: false, message, hint: error.hint };
  }
  return values;
}
