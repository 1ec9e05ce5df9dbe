import { onceFor } from '../common/once-for.ts';
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
  const entry = lastOf(entries, group, key);
  if (entry === undefined) return undefined;
  const value = unquoted(entry.value);
  return value === entry.value ? entry : { ...entry, value };
}

/** The last entry of a key, as it is written. */
export function lastOf(
  entries: readonly UnitEntry[],
  group: string,
  key: string,
): UnitEntry | undefined {
  if (entries.length > FEW) return indexOf(entries).get(keyOf(group, key))?.at(-1);
  // Each unit is asked for some forty keys: a function for each entry, or an iterator, takes twice as long.
  for (let i = entries.length - 1; i >= 0; i--) {
    const entry = entries[i];
    if (entry?.key === key && entry.group === group) return entry;
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
  if (entries.length > FEW) return listsOf(entries)(keyOf(group, key));
  return sinceEmpty(entries, group, key);
}

/** As `list`, by looking at all entries. */
function sinceEmpty(
  entries: readonly UnitEntry[],
  group: string,
  key: string,
): readonly UnitEntry[] {
  // Most units have no such entry: allocate nothing for them.
  let found: UnitEntry[] | undefined;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i];
    if (entry?.key !== key || entry.group !== group) continue;
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

/**
 * A unit with more entries gets an index: a unit can have 40,000 command lines, and each asks for the user,
 * the directory and the variables of the service.
 */
const FEW = 64;

function keyOf(group: string, key: string): string {
  return `${group}\n${key}`;
}

const indexOf = onceFor(
  (entries: readonly UnitEntry[]): ReadonlyMap<string, readonly UnitEntry[]> =>
    Map.groupBy(entries, ({ group, key }) => keyOf(group, key)),
);

/** The list of each key of a unit, made when it is first asked for. */
const listsOf = onceFor((entries: readonly UnitEntry[]) => {
  const lists = new Map<string, readonly UnitEntry[]>();
  return (key: string): readonly UnitEntry[] => {
    const [first] = indexOf(entries).get(key) ?? none;
    if (first === undefined) return none;
    const known = lists.get(key);
    if (known !== undefined) return known;
    const found = sinceEmpty(indexOf(entries).get(key) ?? none, first.group, first.key);
    lists.set(key, found);
    return found;
  };
});

/** The code of `"`. */
const QUOTE = 0x22;

function unquoted(value: string): string {
  const last = value.charCodeAt(value.length - 1);
  if (last !== QUOTE && !isSpace(last)) return value;
  let end = value.length;
  while (end > 0 && isSpace(value.charCodeAt(end - 1))) end--;
  if (end >= 2 && value[0] === '"' && value[end - 1] === '"') return value.slice(1, end - 1);
  return end === value.length ? value : value.slice(0, end);
}
