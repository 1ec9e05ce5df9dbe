import { posix } from 'node:path';
import { problemOf } from '../root/problem-of.ts';
import { type Entry, type Root, RootError } from '../root/root.ts';
import type { KernelArguments } from './at-boot/kernel-arguments.ts';
import { type Etc, followed, linkedPath } from './etc.ts';
import type { Problem } from './problem.ts';
import type { GeneratedUnit, PresetUnit } from './systemd-unit.ts';
import { isAlias, isUnitName } from './unit-alias.ts';
import { parseUnitName, withInstance } from './unit-name.ts';
import { generatorDirectory } from './unit-search-path.ts';

/** The origin of a unit: a file, a link that leads out of the search path, or a generator. */
export type UnitSource = { readonly path: string } | { readonly generated: GeneratedUnit };

type Place = UnitSource | { readonly alias: string };

/** A directory beside the unit files that adds to a unit: `app.service.d`, `app.service.wants`. */
export interface UnitDirectory {
  /** Orders the directories by their position in the search path; the lowest comes first. */
  readonly rank: number;
  readonly path: string;
  /** The names of links that are made at boot, by a generator or a preset. */
  readonly made?: readonly string[];
}

/** The units and links that are no files of a tree, because they are made at boot. */
export interface MadeAtBoot {
  readonly generated: readonly GeneratedUnit[];
  readonly presets: readonly PresetUnit[];
  readonly kernel: KernelArguments | undefined;
}

/** The longest chain of aliases that systemd follows (`unit_ids_map_get`). */
const maxAliases = 16;

/**
 * The unit files and directories of a search path, by name; of several with one name the first
 * counts. A link that leads back into a search directory is an alias of the unit that its text
 * names, whether that unit exists or not.
 *
 * Source: systemd, src/basic/unit-file.c, `unit_file_build_name_map`.
 */
export class UnitIndex {
  readonly problems: Problem[] = [];
  readonly #root: Root;
  readonly #etc: Etc;
  readonly #places = new Map<string, Place>();
  readonly #directories = new Map<string, UnitDirectory[]>();
  /** The last parts of the names in `#directories`: `.wants`. */
  readonly #suffixes = new Set<string>();
  /** The names in `#directories` without their suffixes: `app.service` for `app.service.wants`. */
  readonly #described = new Set<string>();
  readonly #aliases = new Map<string, string[]>();
  readonly #searched = new Set([generatorDirectory]);
  readonly #realPaths = new Map<string, string | undefined>();

  constructor(
    root: Root,
    etc: Etc,
    searchPath: readonly string[],
    { generated, presets, kernel }: MadeAtBoot,
  ) {
    this.#root = root;
    this.#etc = etc;
    const listed = searchPath.map((path, rank) => ({
      rank,
      path,
      // Units that the generators of a running system made say nothing about the next boot.
      entries: path === generatorDirectory ? undefined : this.#list(path),
    }));
    if (kernel !== undefined) this.#addKernelArguments(kernel);
    for (const { rank, path, entries } of listed) {
      if (path === generatorDirectory) this.#addGenerated(rank, generated);
      for (const entry of entries ?? []) this.#add(rank, path, entry);
      if (path === `${etc}/systemd/system`) this.#addPresets(rank, path, presets);
    }
    this.#places.forEach((place, name) => {
      if (!('alias' in place)) return;
      const canonical = this.find(name)?.name;
      if (canonical !== undefined && canonical !== name) push(this.#aliases, canonical, name);
    });
  }

  /**
   * The names of a type, like `.service`, that are no aliases, including templates and links that
   * make an instance of a template; sorted.
   */
  names(type: string): readonly string[] {
    const names: string[] = [];
    this.#places.forEach((place, name) => {
      if (name.endsWith(type) && !isOtherUnit(name, place)) names.push(name);
    });
    return names.sort();
  }

  /** The unit that a name means, with aliases followed, and its origin. */
  find(name: string): { readonly name: string; readonly source: UnitSource } | undefined {
    const own = this.#places.get(name);
    if (own !== undefined && !('alias' in own)) return { name, source: own };
    let at = name;
    for (let aliases = 0; aliases <= maxAliases; aliases++) {
      const parsed = parseUnitName(at);
      const isInstance = parsed.instance !== undefined && parsed.instance !== '';
      const instance = isInstance ? parsed.instance : undefined;
      let place = this.#places.get(at);
      if (instance !== undefined && (place === undefined || isInstanceLink(at, place))) {
        place = this.#places.get(withInstance(parsed, '').full);
      }
      if (place === undefined) return undefined;
      if (!('alias' in place)) return { name: at, source: place };
      const target = parseUnitName(place.alias);
      at =
        target.instance === '' && instance !== undefined
          ? withInstance(target, instance).full
          : target.full;
    }
    return undefined;
  }

  /** All names of a unit, the canonical name first. */
  namesOf(canonical: string): readonly string[] {
    const names = [canonical, ...(this.#aliases.get(canonical) ?? [])];
    if (!canonical.includes('@')) return names;
    const parsed = parseUnitName(canonical);
    const { instance } = parsed;
    if (instance === undefined || instance === '') return names;
    // The aliases of a template are no names of an instance that has a file of its own.
    const place = this.#places.get(canonical);
    if (place !== undefined && !isInstanceLink(canonical, place)) return names;
    for (const alias of this.#aliases.get(withInstance(parsed, '').full) ?? []) {
      names.push(withInstance(parseUnitName(alias), instance).full);
    }
    return names;
  }

  /** Whether any directory `name.SUFFIX` exists; most units have none. */
  isDescribed(name: string): boolean {
    return this.#described.has(name);
  }

  /** Whether any directory with the suffix exists, for whatever unit. */
  hasDirectories(suffix: string): boolean {
    return this.#suffixes.has(suffix);
  }

  /** The directories of one name, suffix included, in the order of the search path. */
  directories(name: string): readonly UnitDirectory[] {
    return this.#directories.get(name) ?? none;
  }

  #add(rank: number, directory: string, { name, kind }: Entry): void {
    const path = `${directory}/${name}`;
    if (kind !== 'file' && /\.(?:d|wants|requires|upholds)$/.test(name)) {
      this.#addDirectory(name, { rank, path });
    } else if (isUnitName(name) && !this.#places.has(name) && kind !== 'directory') {
      const place = kind === 'link' ? this.#linked(path, name) : { path };
      if (place !== undefined) this.#places.set(name, place);
    }
  }

  /** @returns undefined for a link that systemd ignores. */
  #linked(path: string, name: string): Place | undefined {
    try {
      const target = linkedPath(this.#root, this.#etc, path);
      if (target === undefined) return { path };
      if (!this.#isInSearched(target)) return { path };
      const alias = posix.basename(target);
      return alias !== name && isAlias(name, alias) ? { alias } : undefined;
    } catch (error) {
      // Reading the unit later fails with the same error, which is reported there.
      if (error instanceof RootError) return { path };
      throw error;
    }
  }

  /** Adds what systemd's generators make of the kernel's command line, before all other units. */
  #addKernelArguments({ unit, wants, masked }: KernelArguments): void {
    for (const name of masked) this.#places.set(name, { path: '/dev/null' });
    if (unit !== undefined) this.#places.set('default.target', { alias: unit });
    const links = wants.map((name) => `default.target.wants/${name}`);
    this.#addLinks(-1, '/run/systemd/generator.early', links);
  }

  #addGenerated(rank: number, units: readonly GeneratedUnit[]): void {
    for (const unit of units) {
      if (!this.#places.has(unit.name)) this.#places.set(unit.name, { generated: unit });
    }
    // The last of several units with one alias gets the alias: the generator replaces the link.
    const aliases = new Map<string, string>();
    for (const unit of units) {
      for (const link of unit.links) {
        if (!link.includes('/')) aliases.set(link, unit.name);
      }
    }
    for (const [name, alias] of aliases) {
      if (!this.#places.has(name) && isAlias(name, alias)) this.#places.set(name, { alias });
    }
    this.#addLinks(
      rank,
      generatorDirectory,
      units.flatMap(({ links }) => links),
    );
  }

  /**
   * Adds what presets make in a directory: aliases behind the files that are there already, links
   * that start units in place of other links.
   */
  #addPresets(rank: number, directory: string, units: readonly PresetUnit[]): void {
    for (const { path, aliases } of units) {
      const isUnitFile = this.#isSearched(posix.dirname(path));
      for (const alias of aliases) {
        if (this.#places.has(alias)) continue;
        this.#places.set(alias, isUnitFile ? { alias: posix.basename(path) } : { path });
      }
    }
    const links = units.flatMap(({ starts }) => starts);
    // The links come just before those that the directory has.
    this.#addLinks(rank - 0.5, directory, links);
  }

  /** Adds links like `multi-user.target.wants/app.service` that are made at boot. */
  #addLinks(rank: number, directory: string, links: readonly string[]): void {
    const names = new Map<string, string[]>();
    for (const link of links) {
      const slash = link.indexOf('/');
      if (slash > 0) push(names, link.slice(0, slash), link.slice(slash + 1));
    }
    for (const [name, made] of names) {
      this.#addDirectory(name, { rank, path: `${directory}/${name}`, made });
    }
  }

  #addDirectory(name: string, directory: UnitDirectory): void {
    push(this.#directories, name, directory);
    const dot = name.lastIndexOf('.');
    this.#described.add(name.slice(0, dot));
    this.#suffixes.add(name.slice(dot));
  }

  /** Lists a search directory; undefined if there is none, or if another path led to it before. */
  #list(path: string): readonly Entry[] | undefined {
    try {
      const place = followed(this.#root, this.#etc, path);
      const realPath = this.#realPath(place);
      if (realPath === undefined || this.#searched.has(realPath)) return undefined;
      this.#searched.add(realPath);
      return this.#root.list(place);
    } catch (error) {
      if (!(error instanceof RootError)) throw error;
      this.problems.push({ ...problemOf(error), subject: { unitPath: path, unit: path } });
      return undefined;
    }
  }

  /** Whether a path lies in a search directory, or in a directory below one. */
  #isInSearched(path: string): boolean {
    for (let at = posix.dirname(path); at !== '/'; at = posix.dirname(at)) {
      if (this.#isSearched(at)) return true;
    }
    return false;
  }

  /** Whether a link into a directory names a unit: the directories of generators are made at boot. */
  #isSearched(directory: string): boolean {
    if (generators.test(directory)) return true;
    const realPath = this.#realPath(directory);
    return realPath !== undefined && this.#searched.has(realPath);
  }

  #realPath(path: string): string | undefined {
    if (!this.#realPaths.has(path)) {
      this.#realPaths.set(path, this.#root.lookup(path)?.realPath);
    }
    return this.#realPaths.get(path);
  }
}

/** Whether a name is an alias of another unit. */
function isOtherUnit(name: string, place: Place): boolean {
  return 'alias' in place && !isInstanceLink(name, place);
}

/** Whether a link leads from an instance to its own template: `app@a.service` to `app@.service`. */
function isInstanceLink(name: string, place: Place): boolean {
  return 'alias' in place && place.alias === withInstance(parseUnitName(name), '').full;
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const values = map.get(key);
  if (values === undefined) map.set(key, [value]);
  else values.push(value);
}

/** The directories into which the generators of the system and of users write. */
const generators = /^\/run(?:\/user\/\d+)?\/systemd\/generator(?:\.early|\.late)?$/;

const none: readonly UnitDirectory[] = [];
