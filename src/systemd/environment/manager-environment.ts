import { displayPath } from '../../common/path-bytes.ts';
import { type Root, RootError } from '../../root/root.ts';
import { confFiles, confPlaces } from '../conf-files.ts';
import { type Etc, followed, linkTarget } from '../etc.ts';
import { list } from '../lookup.ts';
import { parseSystemdUnit } from '../systemd-unit-file.ts';
import type { UnitEntry } from '../unit-file.ts';
import type { Manager } from '../unit-search-path.ts';
import { splitWords } from '../words.ts';
import { parseEnvironmentFile } from './environment-file.ts';

type Variables = ReadonlyMap<string, string>;

/** The variables that a manager's configuration sets. */
export interface ManagerEnvironment {
  /** The variables that every service inherits. */
  readonly inherited: Variables;
  /** The variables that only services with `PassEnvironment=` get. */
  readonly passed: Variables;
}

/**
 * Reads the variables that a manager gives to its services. If a file can't be read, none are known,
 * and a unit that uses one has a problem.
 *
 * `ManagerEnvironment=` of the system's manager reaches only services that pass it on, that of a
 * user's manager all of them. Later in a user's manager come `DefaultEnvironment=` and environment.d.
 *
 * Source: systemd-system.conf(5); environment.d(5).
 */
export function managerEnvironment(root: Root, etc: Etc, manager: Manager): ManagerEnvironment {
  try {
    const entries = configuration(root, etc, `systemd/${manager}.conf`);
    const own = new Map<string, string>();
    assign(own, entries, 'ManagerEnvironment');
    const inherited = manager === 'user' ? own : new Map<string, string>();
    assign(inherited, entries, 'DefaultEnvironment');
    if (manager === 'system') return { inherited, passed: own };
    assignFromFiles(inherited, root, etc);
    return { inherited, passed: new Map() };
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    return { inherited: new Map(), passed: new Map() };
  }
}

/** The assignments of the main file, then those of its drop-ins in the order of their names. */
function configuration(root: Root, etc: Etc, name: string): readonly UnitEntry[] {
  const main = confPlaces(etc)
    .map((place) => `${place}/${name}`)
    .find((path) => root.lookup(followed(root, etc, path)) !== undefined);
  const paths = [...(main === undefined ? [] : [main]), ...confFiles(root, etc, `${name}.d`)];
  return paths.flatMap((path) => {
    const text = textOf(root, etc, path);
    return parseSystemdUnit(text, path, (group) => group === 'Manager').entries;
  });
}

function assignFromFiles(values: Map<string, string>, root: Root, etc: Etc): void {
  for (const path of confFiles(root, etc, 'environment.d')) {
    for (const [name, value] of parseEnvironmentFile(textOf(root, etc, path))) {
      // The value of another variable may be known only when the user logs in.
      if (value.includes('$')) values.delete(name);
      else values.set(name, value);
    }
  }
}

function textOf(root: Root, etc: Etc, path: string): string {
  if (linkTarget(root, etc, path) === '/dev/null') return '';
  const file = root.readFile(followed(root, etc, path));
  if (file?.isPrivate === true) throw isPrivate(path);
  return file?.content.toString() ?? '';
}

function isPrivate(path: string): RootError {
  const message = `expected everybody to be able to read ${displayPath(path)}, found a private file`;
  return new RootError('private', path, message, { hint: 'make it readable for everybody' });
}

function assign(values: Map<string, string>, entries: readonly UnitEntry[], key: string): void {
  for (const entry of list(entries, 'Manager', key)) {
    for (const word of splitWords(entry.value, { escapes: true, relaxed: false }) ?? []) {
      const equals = word.indexOf('=');
      const name = word.slice(0, Math.max(equals, 0));
      const value = word.slice(equals + 1).replaceAll('%%', '\0');
      // Specifiers of the manager itself are not replaced here: such a value is not known.
      if (value.includes('%')) values.delete(name);
      else if (name !== '') values.set(name, value.replaceAll('\0', '%'));
    }
  }
}
