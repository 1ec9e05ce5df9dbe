import { problemOf } from '../root/problem-of.ts';
import { type Root, RootError } from '../root/root.ts';
import { dropInStems } from './drop-in-names.ts';
import { type Etc, followed, linkedPath, linkTarget } from './etc.ts';
import type { Problem } from './problem.ts';
import type { SystemdUnit } from './systemd-unit.ts';
import { isUnitName } from './unit-alias.ts';
import type { UnitDirectory, UnitIndex } from './unit-index.ts';

export interface DirectoryFiles {
  /** The files, in the order in which they apply. */
  readonly paths: readonly string[];
  readonly faults: readonly Omit<Problem, 'subject'>[];
}

/** The directories beside a unit whose links start other units. */
export const linkSuffixes = ['.wants', '.requires', '.upholds'] as const;

interface Listing {
  /** The directory, with links followed as the booted root would follow them. */
  readonly path: string;
  readonly names: readonly string[];
  /** The names that are no links. */
  readonly files: ReadonlySet<string>;
}

/**
 * Bounds the names looked at for all units together: one directory may apply to every unit, and a
 * unit may have as many names as there are links.
 */
const maxSteps = 5_000_000;

/**
 * The files in the directories beside a unit file: its drop-ins, and the links by which the unit
 * wants or requires others. Of several files with one name the first counts, and all apply in the
 * order of their names.
 *
 * Source: systemd, src/shared/dropin.c, `unit_file_find_dropin_paths`: for each name of the unit,
 * all search directories, from specific to broad; then the directories for all units of the type.
 */
export class UnitDirectories {
  readonly #root: Root;
  readonly #etc: Etc;
  readonly #index: UnitIndex;
  readonly #unit: (name: string) => SystemdUnit | undefined;
  readonly #listed = new Map<string, Listing | RootError>();
  readonly #nulls = new Map<string, boolean>();
  /** The files, by path, that are no links: in `.wants` they start nothing. */
  readonly #plain = new Set<string>();
  /** The links, by path, that a generator or a preset makes at boot. */
  readonly #made = new Set<string>();
  #steps = 0;

  #last: { readonly canonical: string; readonly names: readonly (readonly string[])[] } | undefined;

  /** @param unit loads a unit; links in `.wants` mostly lead to its file. */
  constructor(
    root: Root,
    etc: Etc,
    index: UnitIndex,
    unit: (name: string) => SystemdUnit | undefined,
  ) {
    this.#root = root;
    this.#etc = etc;
    this.#index = index;
    this.#unit = unit;
  }

  dropIns(canonical: string): DirectoryFiles {
    return this.#files(canonical, dropInSuffixes, isConf);
  }

  /**
   * The links in `.wants`, `.requires` and `.upholds`, or in some of them. A link to `/dev/null` or to an empty file
   * masks the link of the same name in a later directory, and so does a file that is no link.
   *
   * Source: systemd, src/core/load-dropin.c, `process_deps`.
   */
  linked(canonical: string, suffixes: readonly string[] = linkSuffixes): DirectoryFiles {
    const { paths, faults } = this.#files(canonical, suffixes, isUnitName);
    if (paths.length === 0 && faults.length === 0) return none;
    return { paths: paths.filter((path) => this.#starts(path)), faults };
  }

  #files(
    canonical: string,
    suffixes: readonly string[],
    isWanted: (name: string) => boolean,
  ): DirectoryFiles {
    if (this.#steps > maxSteps) return { paths: [], faults: [tooManySteps(canonical)] };
    if (!suffixes.some((suffix) => this.#index.hasDirectories(suffix))) return none;
    const names = this.#names(canonical);
    if (names.length === 0) return none;
    const faults: Omit<Problem, 'subject'>[] = [];
    const paths: string[] = [];
    for (const suffix of suffixes) {
      const chosen = new Map<string, string>();
      for (const directory of names.flatMap((group) => this.#directories(group, suffix))) {
        const listing = this.#list(directory);
        if (listing instanceof RootError) {
          faults.push(problemOf(listing));
          continue;
        }
        this.#steps += listing.names.length;
        for (const name of listing.names) {
          if (!isWanted(name) || chosen.has(name)) continue;
          const path = `${listing.path}/${name}`;
          chosen.set(name, path);
          if (suffix !== '.d' && listing.files.has(name)) this.#plain.add(path);
          if (directory.made !== undefined) this.#made.add(path);
        }
      }
      for (const name of Array.from(chosen.keys()).sort()) paths.push(chosen.get(name) ?? name);
    }
    return { paths, faults };
  }

  /**
   * The names, without a suffix like `.d`, for which directories exist: a list for each name of
   * the unit, from specific to broad, then one for the unit's type.
   */
  #names(canonical: string): readonly (readonly string[])[] {
    // The directories of one unit are asked for one after the other.
    if (this.#last?.canonical !== canonical) {
      this.#last = { canonical, names: this.#freshNames(canonical) };
    }
    return this.#last.names;
  }

  #freshNames(canonical: string): readonly (readonly string[])[] {
    const found: (readonly string[])[] = [];
    let typeStems: readonly string[] = [];
    for (const name of this.#index.namesOf(canonical)) {
      this.#steps++;
      const stems = dropInStems(name).filter((stem) => this.#index.isDescribed(stem));
      const type = canonical.slice(canonical.lastIndexOf('.') + 1);
      if (stems.at(-1) === type) typeStems = stems.splice(-1);
      if (stems.length > 0) found.push(stems);
    }
    if (typeStems.length > 0) found.push(typeStems);
    return found;
  }

  #directories(names: readonly string[], suffix: string): readonly UnitDirectory[] {
    return names
      .flatMap((name) => this.#index.directories(name + suffix))
      .sort((a, b) => a.rank - b.rank);
  }

  #list(directory: UnitDirectory): Listing | RootError {
    const { path, made } = directory;
    if (made !== undefined) return { path, names: made, files: noFiles };
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
      const entries = (this.#root.list(path) ?? []).filter(({ kind }) => kind !== 'directory');
      const files = entries.filter(({ kind }) => kind !== 'link').map(({ name }) => name);
      return { path, names: entries.map(({ name }) => name), files: new Set(files) };
    } catch (error) {
      if (error instanceof RootError) return error;
      throw error;
    }
  }

  #starts(path: string): boolean {
    return this.#made.has(path) || (!this.#plain.has(path) && !this.#isNull(path));
  }

  /** Whether a link leads to `/dev/null` or to an empty file. */
  #isNull(path: string): boolean {
    const known = this.#nulls.get(path);
    if (known !== undefined) return known;
    let isNull = false;
    try {
      isNull = this.#leadsToNothing(path);
    } catch (error) {
      // Only the name of a link counts, not its target: a link to an unreadable file masks nothing.
      if (!(error instanceof RootError)) throw error;
    }
    this.#nulls.set(path, isNull);
    return isNull;
  }

  /** @throws {RootError} */
  #leadsToNothing(path: string): boolean {
    const next = linkedPath(this.#root, this.#etc, path);
    if (next === '/dev/null') return true;
    // The unit's file is read anyway, and an empty one masks the unit.
    const unit = this.#unit(path.slice(path.lastIndexOf('/') + 1));
    if (unit !== undefined && unit.path === next && !unit.generated) return unit.masked;
    const target = next === undefined ? path : linkTarget(this.#root, this.#etc, next);
    return target === '/dev/null' || this.#root.readStart(target, 1)?.length === 0;
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

const dropInSuffixes = ['.d'];

function isConf(name: string): boolean {
  return name.endsWith('.conf');
}

const none: DirectoryFiles = { paths: [], faults: [] };
const noFiles: ReadonlySet<string> = new Set();
