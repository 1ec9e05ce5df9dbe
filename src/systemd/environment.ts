import { type Root, RootError } from '../root/root.ts';
import { parseEnvironmentFile } from './environment-file.ts';
import { type Etc, whereInTree } from './etc.ts';
import { list } from './lookup.ts';
import type { Expanded } from './specifiers.ts';
import type { UnitEntry } from './unit-file.ts';
import { splitWords } from './words.ts';

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
}

/**
 * The variables that a service's own unit sets. `EnvironmentFile=` overrides `Environment=`, and a
 * later file an earlier one.
 *
 * Source: systemd.exec(5), "Environment".
 */
export function environmentOf(
  entries: readonly UnitEntry[],
  { root, etc, expand }: EnvironmentSources,
): Environment {
  const values = new Map<string, string>();
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
    const file = readValues(root, etc, path.text, optional);
    if ('ok' in file) return file;
    for (const [name, { value, isPrivate }] of file) {
      values.set(name, value);
      if (isPrivate) privateNames.add(name);
      else privateNames.delete(name);
    }
  }
  return { ok: true, values, privateNames };
}

interface FileValue {
  readonly value: string;
  readonly isPrivate: boolean;
}

function readValues(
  root: Root,
  etc: Etc,
  path: string,
  optional: boolean,
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
    const files = matching(root, whereInTree(etc, path));
    if (files === undefined) {
      return unknown('found a pattern that berth does not support');
    }
    if (files.length === 0 && (!optional || madeByHost)) {
      return unknown('found no such file in the root');
    }
    for (const file of files) {
      const found = root.readFile(file);
      if (found === undefined) continue;
      const { content, isPrivate } = found;
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

/**
 * @returns the existing files that a pattern matches; undefined for patterns that berth does not
 *   support: brackets, and wildcards anywhere but in the last component.
 */
function matching(root: Root, path: string): readonly string[] | undefined {
  const slash = path.lastIndexOf('/');
  const directory = path.slice(0, slash);
  const pattern = path.slice(slash + 1);
  if (/[*?[]/.test(directory) || pattern.includes('[')) return undefined;
  if (!/[*?]/.test(pattern)) return root.lookup(path) === undefined ? [] : [path];
  return (root.list(directory === '' ? '/' : directory) ?? [])
    .filter(({ name }) => matchesGlob(name, pattern))
    .map(({ name }) => `${directory}/${name}`);
}

/**
 * Matches `*` and `?`. A leading dot must be written out (glob(7)). Takes at most
 * `name.length × pattern.length` steps, because only the last `*` is ever retried.
 */
function matchesGlob(name: string, pattern: string): boolean {
  if (name.startsWith('.') && !pattern.startsWith('.')) return false;
  let at = 0;
  let star = -1;
  let retry = 0;
  for (let i = 0; i < name.length; ) {
    if (pattern[at] === '*') {
      star = at++;
      retry = i;
    } else if (pattern[at] === '?' || pattern[at] === name[i]) {
      at++;
      i++;
    } else if (star < 0) return false;
    else {
      at = star + 1;
      i = ++retry;
    }
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}
