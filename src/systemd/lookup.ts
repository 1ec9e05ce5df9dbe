import { isSpace, type UnitEntry } from './unit-file.ts';

/**
 * The entry that counts for a key with a single value, which is the last one. Blanks at the end of
 * the value and one outer pair of double quotes are removed.
 *
 * Source: podman, pkg/systemd/parser/unitfile.go, `Lookup`; up to 5.x podman strips every quote
 * at both ends.
 */
export function scalar(
  entries: readonly UnitEntry[],
  group: string,
  key: string,
): UnitEntry | undefined {
  for (let i = entries.length - 1; i >= 0; i--) {
    const entry = entries[i];
    if (entry !== undefined && entry.key === key && entry.group === group) {
      const value = unquoted(entry.value);
      return value === entry.value ? entry : { ...entry, value };
    }
  }
  return undefined;
}

const none: readonly UnitEntry[] = [];

/** All entries of a key that may be given several times; an empty entry drops all before it. */
export function list(
  entries: readonly UnitEntry[],
  group: string,
  key: string,
): readonly UnitEntry[] {
  // Most units have no such entry: allocate nothing for them.
  let found: UnitEntry[] | undefined;
  for (const entry of entries) {
    if (entry.key !== key || entry.group !== group) continue;
    if (entry.value === '') found = undefined;
    else if (found === undefined) found = [entry];
    else found.push(entry);
  }
  return found ?? none;
}

/**
 * A boolean as Quadlet reads it: every value that does not mean yes means no, also an empty one.
 */
export function flag(
  entries: readonly UnitEntry[],
  group: string,
  key: string,
): boolean | undefined {
  const entry = scalar(entries, group, key);
  if (entry === undefined) return undefined;
  return ['1', 'yes', 'true', 'on'].includes(entry.value.toLowerCase());
}

function unquoted(value: string): string {
  let end = value.length;
  while (end > 0 && isSpace(value.charCodeAt(end - 1))) end--;
  if (end >= 2 && value[0] === '"' && value[end - 1] === '"') return value.slice(1, end - 1);
  return end === value.length ? value : value.slice(0, end);
}
