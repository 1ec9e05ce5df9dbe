import type { ProblemSubject } from '../../common/problem.ts';
import { problemOf } from '../../root/problem-of.ts';
import { type Root, RootError } from '../../root/root.ts';
import { dropInDirectoryNames } from '../../systemd/drop-in-names.ts';
import { type Etc, followed } from '../../systemd/etc.ts';
import type { UnitEntry } from '../../systemd/unit-file.ts';
import type { Problem } from '../problem.ts';
import type { ReadUnit } from './read-unit.ts';
import type { UnitType } from './unit.ts';
import type { UnitDirectory } from './walk.ts';

export interface DropIns {
  readonly entries: readonly UnitEntry[];
  /** Whether the drop-ins have no assignments at all. */
  readonly empty: boolean;
  readonly problems: readonly Problem[];
}

const none: DropIns = { entries: [], empty: true, problems: [] };

/**
 * Drop-ins of one unit, more than any real unit has: many units with many drop-ins take much
 * memory.
 */
const maxDropIns = 1_000;

/**
 * The drop-ins of units. For each directory name, from specific to broad, all search directories
 * are searched. The first file of a name wins; then all files apply in the order of their names.
 * Directories and files are read once for all units.
 *
 * Source: podman 6, cmd/quadlet/main.go, `loadUnitDropins`. Up to podman 5 a broad drop-in in an
 * earlier search directory wins over a specific one in a later directory.
 */
export class DropInIndex {
  readonly #root: Root;
  readonly #etc: Etc;
  readonly #read: ReadUnit;
  /** For each name of a drop-in directory, the search directories with one, first one first. */
  readonly #places = new Map<string, string[]>();
  readonly #files = new Map<string, ReadonlyMap<string, string> | RootError>();
  readonly #parsed = new Map<string, ReturnType<ReadUnit>>();

  constructor(root: Root, etc: Etc, directories: readonly UnitDirectory[], read: ReadUnit) {
    this.#root = root;
    this.#etc = etc;
    this.#read = read;
    for (const { path, entries } of directories) {
      for (const { name, kind } of entries) {
        if (kind !== 'directory' && kind !== 'link') continue;
        if (!name.endsWith('.d')) continue;
        const places = this.#places.get(name);
        if (places === undefined) this.#places.set(name, [path]);
        else places.push(path);
      }
    }
  }

  /** Drop-ins beside the target of a link don't count. */
  of(fileName: string, type: UnitType, subjectOf: () => ProblemSubject): DropIns {
    // Most roots have none, and no unit needs a subject there.
    if (this.#places.size === 0) return none;
    const subject = subjectOf();
    const problems: Problem[] = [];
    const chosen = new Map<string, string>();
    for (const name of dropInDirectoryNames(fileName)) {
      for (const place of this.#places.get(name) ?? []) {
        const directory = `${place}/${name}`;
        const files = this.#list(directory);
        if (files instanceof RootError) {
          problems.push({ ...problemOf(files), subject });
          continue;
        }
        for (const [file, path] of files) if (!chosen.has(file)) chosen.set(file, path);
      }
    }
    if (chosen.size > maxDropIns) {
      problems.push({
        code: 'too-many-entries',
        path: subject.unitPath,
        message: `expected at most ${maxDropIns} drop-ins for a unit, found ${chosen.size}`,
        hint: 'merge them into fewer files',
        subject,
      });
      return { ...none, problems };
    }
    const entries: UnitEntry[] = [];
    let empty = true;
    for (const file of [...chosen.keys()].sort()) {
      const path = chosen.get(file) ?? '';
      // A drop-in directory belongs to units of one type, so the path alone is the key.
      let parsed = this.#parsed.get(path);
      if (parsed === undefined) {
        parsed = this.#read(path, type);
        this.#parsed.set(path, parsed);
      }
      if (parsed.ok) {
        for (const entry of parsed.entries) entries.push(entry);
        empty &&= parsed.empty;
      } else problems.push({ ...parsed.problem, subject });
    }
    return { entries, empty, problems };
  }

  #list(directory: string): ReadonlyMap<string, string> | RootError {
    const known = this.#files.get(directory);
    if (known !== undefined) return known;
    const files = this.#listFresh(directory);
    this.#files.set(directory, files);
    return files;
  }

  #listFresh(directory: string): ReadonlyMap<string, string> | RootError {
    try {
      const target = followed(this.#root, this.#etc, directory);
      const files = new Map<string, string>();
      for (const { name } of this.#root.list(target) ?? []) {
        if (name.endsWith('.conf')) files.set(name, `${target}/${name}`);
      }
      return files;
    } catch (error) {
      if (error instanceof RootError) return error;
      throw error;
    }
  }
}
