import type { Root } from '../root/root.ts';
import { type Etc, followed } from './etc.ts';

/**
 * Reads the fields of a root's os-release, from `/etc/os-release` or, if there is none, from
 * `/usr/lib/os-release`. The two files are never merged.
 *
 * Source: os-release(5).
 *
 * @returns undefined if the root has neither.
 * @throws {RootError}
 */
export function readOsRelease(root: Root, etc: Etc): ReadonlyMap<string, string> | undefined {
  const file =
    root.readFile(followed(root, etc, `${etc}/os-release`)) ?? root.readFile('/usr/lib/os-release');
  return file === undefined ? undefined : parseOsRelease(file.content.toString());
}

/**
 * Parses assignments in shell style. A later one wins, and lines that assign nothing are skipped.
 */
export function parseOsRelease(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const assignment = line.trim();
    const equals = assignment.indexOf('=');
    if (equals <= 0 || assignment.startsWith('#')) continue;
    values.set(assignment.slice(0, equals), unquoted(assignment.slice(equals + 1)));
  }
  return values;
}

function unquoted(value: string): string {
  const quote = value[0];
  if (quote === "'" && value.length > 1 && value.endsWith("'")) return value.slice(1, -1);
  const inner =
    quote === '"' && value.length > 1 && value.endsWith('"') ? value.slice(1, -1) : value;
  return inner.replace(/\\(.)/g, '$1');
}
