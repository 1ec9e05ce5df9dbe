import { type Root, RootError } from '../root/root.ts';
import { parseEnvironmentFile } from './environment-file.ts';
import { type Etc, whereInTree } from './etc.ts';
import { list } from './lookup.ts';
import type { Expanded } from './specifiers.ts';
import type { UnitEntry } from './unit-file.ts';
import { splitWords } from './words.ts';

export type Environment =
  | { readonly ok: true; readonly values: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly message: string; readonly hint: string };

export interface EnvironmentSources {
  readonly root: Root;
  readonly etc: Etc;
  readonly expand: (text: string) => Expanded;
}

/**
 * The variables that a service's own unit sets: those of `Environment=`, then those of each
 * `EnvironmentFile=`, which go before.
 *
 * Source: systemd.exec(5), "Environment".
 */
export function environmentOf(
  entries: readonly UnitEntry[],
  { root, etc, expand }: EnvironmentSources,
): Environment {
  const values = new Map<string, string>();
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
    if (!(file instanceof Map)) return file;
    for (const [name, value] of file) values.set(name, value);
  }
  return { ok: true, values };
}

function readValues(
  root: Root,
  etc: Etc,
  path: string,
  optional: boolean,
): Map<string, string> | (Environment & { ok: false }) {
  const unknown = (found: string) =>
    ({
      ok: false,
      message: `expected the variables of EnvironmentFile=${path}, ${found}`,
      hint: 'write the value out in the unit, or set it with Environment=',
    }) as const;
  if (/[*?[]/.test(path)) return unknown('found a pattern, which berth does not read');
  let content: Buffer | undefined;
  try {
    content = root.readFile(whereInTree(etc, path))?.content;
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    return unknown(error.message);
  }
  if (content === undefined) {
    // Under these two the booted host writes what no root can tell.
    const madeByHost = path.startsWith('/run/') || path.startsWith('/var/');
    return optional && !madeByHost ? new Map() : unknown('the root does not have that file');
  }
  const values = parseEnvironmentFile(content.toString());
  return values === undefined
    ? unknown('found quoting or escapes that berth does not read')
    : new Map(values);
}
