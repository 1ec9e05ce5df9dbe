import type { Problem } from '../problem.ts';
import { problemOf } from '../root/problem-of.ts';
import { type Root, RootError } from '../root/root.ts';
import { dropInDirectoryNames } from './drop-in-names.ts';
import { type Etc, followed, linkedPath } from './etc.ts';
import { isUnitName } from './unit-alias.ts';
import type { UnitDirectory, UnitIndex } from './unit-index.ts';

export interface DirectoryFiles {
  /** In the order in which they apply. */
  readonly paths: readonly string[];
  readonly faults: readonly Omit<Problem, 'subject'>[];
}

interface Listing {
  /** The directory, its links followed as the booted root would. */
  readonly path: string;
  readonly names: readonly string[];
}

/** One directory can be for every unit, and one unit have as many names as there are links. */
const maxSteps = 5_000_000;

/**
 * The files of the directories beside a unit: its drop-ins, and the links that make it want
 * others. The first of a name counts; all apply in the order of their names.
 *
 * Source: systemd, src/shared/dropin.c, `unit_file_find_dropin_paths`: for each of the unit's
 * names, each search directory, from the specific to the broad; then what is for all of a type.
 */
export class UnitDirectories {
  readonly #root: Root;
  readonly #etc: Etc;
  readonly #index: UnitIndex;
  readonly #listed = new Map<string, Listing | RootError>();
  readonly #nulls = new Map<string, boolean>();
  #steps = 0;

  constructor(root: Root, etc: Etc, index: UnitIndex) {
    this.#root = root;
    this.#etc = etc;
    this.#index = index;
  }

  dropIns(canonical: string): DirectoryFiles {
    return this.#files(canonical, '.d', (name) => name.endsWith('.conf'));
  }

  /** The names that a unit's directories hold; those that are links to `/dev/null` are masked. */
  linked(canonical: string, suffix: '.wants' | '.requires' | '.upholds'): DirectoryFiles {
    const { paths, faults } = this.#files(canonical, suffix, isUnitName);
    return { paths: paths.filter((path) => !this.#isNull(path)), faults };
  }

  #files(canonical: string, suffix: string, isWanted: (name: string) => boolean): DirectoryFiles {
    if (this.#steps > maxSteps) return { paths: [], faults: [tooManySteps(canonical + suffix)] };
    const directories = this.#directories(canonical, suffix);
    if (directories.length === 0) return none;
    const faults: Omit<Problem, 'subject'>[] = [];
    const chosen = new Map<string, string>();
    for (const directory of directories) {
      const listing = this.#list(directory);
      if (listing instanceof RootError) {
        faults.push(problemOf(listing));
        continue;
      }
      this.#steps += listing.names.length;
      for (const name of listing.names) {
        if (isWanted(name) && !chosen.has(name)) chosen.set(name, `${listing.path}/${name}`);
      }
    }
    const paths = Array.from(chosen.keys())
      .sort()
      .map((name) => chosen.get(name) ?? name);
    return { paths, faults };
  }

  #directories(canonical: string, suffix: string): readonly UnitDirectory[] {
    const found: UnitDirectory[] = [];
    let broadest = '';
    for (const name of this.#index.namesOf(canonical)) {
      this.#steps++;
      const names = dropInDirectoryNames(name).map((d) => d.slice(0, -'.d'.length) + suffix);
      broadest = names.pop() ?? '';
      const own = names.flatMap((directory) => this.#index.directories(directory));
      found.push(...own.sort((a, b) => a.rank - b.rank));
    }
    return [...found, ...this.#index.directories(broadest)];
  }

  #list(directory: UnitDirectory): Listing | RootError {
    if (directory.generated) return { path: directory.path, names: directory.generated };
    let listing = this.#listed.get(directory.path);
    if (listing === undefined) {
      listing = this.#listFresh(directory.path);
      this.#listed.set(directory.path, listing);
    }
    return listing;
  }

  #listFresh(directory: string): Listing | RootError {
    try {
      const path = followed(this.#root, this.#etc, directory);
      return { path, names: (this.#root.list(path) ?? []).map(({ name }) => name) };
    } catch (error) {
      if (error instanceof RootError) return error;
      throw error;
    }
  }

  #isNull(path: string): boolean {
    const known = this.#nulls.get(path);
    if (known !== undefined) return known;
    let isNull = false;
    try {
      isNull = linkedPath(this.#root, this.#etc, path) === '/dev/null';
    } catch (error) {
      // The name counts, and it is there.
      if (!(error instanceof RootError)) throw error;
    }
    this.#nulls.set(path, isNull);
    return isNull;
  }
}

const none: DirectoryFiles = { paths: [], faults: [] };

function tooManySteps(path: string): Omit<Problem, 'subject'> {
  return {
    code: 'too-many-entries',
    path,
    message: `expected at most ${maxSteps} names in the directories beside all units, found more`,
    hint: 'remove drop-ins and links from the directories that are for many units',
  };
}
