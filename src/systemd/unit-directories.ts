import { problemOf } from '../root/problem-of.ts';
import { type Root, RootError } from '../root/root.ts';
import { dropInDirectoryNames } from './drop-in-names.ts';
import { type Etc, followed, linkedPath } from './etc.ts';
import type { Problem } from './problem.ts';
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
    return this.#files(canonical, ['.d'], (name) => name.endsWith('.conf'));
  }

  /** The links in `.wants` and its like; those to `/dev/null` are masked. */
  linked(canonical: string): DirectoryFiles {
    const { paths, faults } = this.#files(
      canonical,
      ['.wants', '.requires', '.upholds'],
      isUnitName,
    );
    return { paths: paths.filter((path) => !this.#isNull(path)), faults };
  }

  #files(
    canonical: string,
    suffixes: readonly string[],
    isWanted: (name: string) => boolean,
  ): DirectoryFiles {
    if (this.#steps > maxSteps) return { paths: [], faults: [tooManySteps(canonical)] };
    const names = this.#names(canonical);
    if (names.length === 0) return none;
    const faults: Omit<Problem, 'subject'>[] = [];
    const paths: string[] = [];
    for (const suffix of suffixes) {
      const chosen = new Map<string, string>();
      for (const directory of names.flatMap((ofName) => this.#directories(ofName, suffix))) {
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
      for (const name of Array.from(chosen.keys()).sort()) paths.push(chosen.get(name) ?? name);
    }
    return { paths, faults };
  }

  /** For each of the unit's names, then for its type, those that have directories. */
  #names(canonical: string): readonly (readonly string[])[] {
    const found: (readonly string[])[] = [];
    let ofType: readonly string[] = [];
    for (const name of this.#index.namesOf(canonical)) {
      this.#steps++;
      const stems = dropInDirectoryNames(name)
        .map((directory) => directory.slice(0, -'.d'.length))
        .filter((stem) => this.#index.isDescribed(stem));
      const type = canonical.slice(canonical.lastIndexOf('.') + 1);
      if (stems.at(-1) === type) ofType = stems.splice(-1);
      if (stems.length > 0) found.push(stems);
    }
    if (ofType.length > 0) found.push(ofType);
    return found;
  }

  #directories(names: readonly string[], suffix: string): readonly UnitDirectory[] {
    return names
      .flatMap((name) => this.#index.directories(name + suffix))
      .sort((a, b) => a.rank - b.rank);
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

function tooManySteps(path: string): Omit<Problem, 'subject'> {
  return {
    code: 'too-many-entries',
    path,
    message: `expected at most ${maxSteps} names in the directories beside all units, found more`,
    hint: 'remove drop-ins and links from the directories that are for many units',
  };
}

const none: DirectoryFiles = { paths: [], faults: [] };
