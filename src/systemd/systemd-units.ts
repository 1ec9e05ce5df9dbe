import { append } from '../common/append.ts';
import { displayPath } from '../common/path-bytes.ts';
import type { ProblemSubject } from '../common/problem.ts';
import { problemOf } from '../root/problem-of.ts';
import { type Root, RootError } from '../root/root.ts';
import { type Extensions, noExtensions, overlaid } from './at-boot/extensions.ts';
import type { KernelArguments } from './at-boot/kernel-arguments.ts';
import { presetUnits } from './at-boot/preset-links.ts';
import { type UnitMakers, unitMakers } from './at-boot/unit-makers.ts';
import { readBusServices } from './bus-services.ts';
import type { Etc } from './etc.ts';
import { readOsRelease } from './os-release.ts';
import type { Problem } from './problem.ts';
import { upToFault, wrongSetting } from './refusal/faulty-setting.ts';
import { serviceRefusal } from './refusal/service-refusal.ts';
import { type Expanded, expandSpecifiers, type UserOfUnits } from './specifiers.ts';
import type { GeneratedUnit, PresetUnit, SystemdUnit, SystemdUnits } from './systemd-unit.ts';
import { UnitDirectories } from './unit-directories.ts';
import type { UnitEntry } from './unit-file.ts';
import { UnitIndex, type UnitSource } from './unit-index.ts';
import { parseUnitName } from './unit-name.ts';
import { type Manager, type OwnDirectories, unitSearchPath } from './unit-search-path.ts';
import { tooMuch, type UnitText, UnitTexts } from './unit-text.ts';

export interface UnitsOptions {
  readonly manager: Manager;
  /** The units that generators make. */
  readonly generated: readonly GeneratedUnit[];
  /** The root's architecture in systemd's spelling: `x86-64`. */
  readonly architecture: string;
  /** The user whose manager it is; absent for the system's manager. */
  readonly user?: UserOfUnits;
  /** The words of the kernel's command line that concern units; none by default. */
  readonly kernel?: KernelArguments;
  /** What systemd lays over the root at boot; nothing by default. */
  readonly extensions?: Extensions | undefined;
  /** The directories of the user, if it is a single one. */
  readonly own?: OwnDirectories | undefined;
}

/** Drop-ins of one unit, more than any real unit has: many units with many drop-ins are slow. */
const maxDropIns = 1_000;

/**
 * The units of one manager, as it would load them. The names are collected at once, the files are
 * read only when a unit is asked for.
 */
export function readSystemdUnits(root: Root, etc: Etc, options: UnitsOptions): SystemdUnits {
  const texts = new UnitTexts(root, etc);
  const shipped = new LazyUnits(root, etc, options, texts, []);
  if (options.manager === 'user') return shipped;
  const { units, problems } = presetUnits(root, etc, () => shipped.names(), shipped);
  if (units.length + problems.length === 0) return shipped;
  return new LazyUnits(root, etc, options, texts, units, problems);
}

class LazyUnits implements SystemdUnits {
  readonly manager: Manager;
  readonly problems: Problem[];
  readonly isWhole: boolean;
  readonly #root: Root;
  readonly #etc: Etc;
  readonly #architecture: string;
  readonly #user: UserOfUnits | undefined;
  readonly #index: UnitIndex;
  readonly #directories: UnitDirectories;
  readonly #texts: UnitTexts;
  readonly #loaded = new Map<string, SystemdUnit | undefined>();
  readonly #unread = new Set<string>();
  /** The links that presets make, by the unit that each starts. */
  readonly #presets: ReadonlyMap<string, readonly PresetLink[]>;
  #makers: UnitMakers | undefined;
  #osRelease: ReturnType<typeof readOsRelease> | 'unread' = 'unread';

  constructor(
    root: Root,
    etc: Etc,
    options: UnitsOptions,
    texts: UnitTexts,
    presets: readonly PresetUnit[],
    problems: readonly Problem[] = [],
  ) {
    const {
      manager,
      generated,
      architecture,
      user,
      own,
      kernel,
      extensions = noExtensions,
    } = options;
    this.#root = root;
    this.#etc = etc;
    this.manager = manager;
    this.#architecture = architecture;
    this.#user = user;
    const path = unitSearchPath(etc, manager, own).flatMap((one) => overlaid(one, etc, extensions));
    this.#index = new UnitIndex(root, etc, path, {
      generated,
      presets,
      kernel,
    });
    this.#directories = new UnitDirectories(root, etc, this.#index, (unit) => this.unit(unit));
    this.#texts = texts;
    this.problems = [...this.#index.problems, ...problems];
    this.isWhole = this.problems.length === 0;
    const links = presets.flatMap((unit) => unit.starts.map((link) => presetLink(link, unit.rule)));
    this.#presets = Map.groupBy(links, ({ unit }) => unit);
  }

  /** All units with a file of their own, of every type; sorted. */
  names(): readonly string[] {
    return this.#index.names('');
  }

  unit(name: string): SystemdUnit | undefined {
    // The names of loaded units are no aliases.
    const known = this.#loaded.get(name);
    if (known !== undefined) return known;
    const found = this.#index.find(name);
    if (found === undefined) return undefined;
    if (this.#loaded.has(found.name)) return this.#loaded.get(found.name);
    const unit = this.#load(found.name, found.source);
    this.#loaded.set(found.name, unit);
    return unit;
  }

  isChanged(name: string): boolean {
    const found = this.#index.find(name);
    if (found === undefined) return false;
    if (!('generated' in found.source)) return true;
    const { paths, faults } = this.#directories.dropIns(found.name);
    return paths.length + faults.length > 0;
  }

  services(): Iterable<SystemdUnit> {
    return this.#ofType('.service');
  }

  sockets(): Iterable<SystemdUnit> {
    return this.#ofType('.socket');
  }

  *#ofType(suffix: string): Iterable<SystemdUnit> {
    for (const name of this.#index.names(suffix)) {
      const unit = this.unit(name);
      if (unit !== undefined) yield unit;
    }
  }

  linked(unit: SystemdUnit): readonly string[] {
    const { paths, faults } = this.#directories.linked(unit.name);
    for (const fault of faults) this.#fail(fault, { unitPath: unit.path, unit: unit.name });
    return paths.map((path) => path.slice(path.lastIndexOf('/') + 1));
  }

  required(unit: SystemdUnit): readonly string[] {
    const { paths } = this.#directories.linked(unit.name, ['.requires']);
    return paths.map((path) => path.slice(path.lastIndexOf('/') + 1));
  }

  isMissing(name: string): boolean {
    if (this.manager === 'user' || !this.isWhole || this.#index.find(name) !== undefined) {
      return false;
    }
    this.#makers ??= unitMakers(this.#root, this.#etc);
    return !this.#makers.mayMake(name);
  }

  presetOf(from: string, unit: string): string | undefined {
    if (this.#presets.size === 0) return undefined;
    const link = this.#presets
      .get(unit)
      ?.find(({ starter }) => this.#index.find(starter)?.name === from);
    if (link === undefined) return undefined;
    const isThere = this.#index
      .directories(link.directory)
      .some(({ path, made }) => made === undefined && this.#isLink(`${path}/${unit}`));
    return isThere ? undefined : link.rule;
  }

  #isLink(path: string): boolean {
    try {
      return this.#root.readLink(path) !== undefined;
    } catch (error) {
      if (error instanceof RootError) return false;
      throw error;
    }
  }

  isUnread(name: string): boolean {
    return this.#unread.has(this.#index.find(name)?.name ?? name);
  }

  expand(unit: SystemdUnit, word: string): Expanded {
    if (!word.includes('%')) return { ok: true, text: word };
    try {
      if (this.#osRelease === 'unread') this.#osRelease = readOsRelease(this.#root, this.#etc);
    } catch (error) {
      if (!(error instanceof RootError)) throw error;
      this.problems.push(problemOf(error));
      this.#osRelease = undefined;
    }
    return expandSpecifiers(word, {
      unit: parseUnitName(unit.name),
      architecture: this.#architecture,
      osRelease: this.#osRelease,
      ...(this.#user === undefined ? {} : { user: this.#user }),
    });
  }

  busServices(): readonly string[] {
    const { services, problems } = readBusServices(this.#root, this.#etc, this.manager);
    append(this.problems, problems);
    return services;
  }

  #load(name: string, source: UnitSource): SystemdUnit | undefined {
    const generated = 'generated' in source;
    const path = generated ? source.generated.path : source.path;
    const subject = { unitPath: path, unit: name };
    const text: UnitText = generated
      ? { kind: 'read', ...source.generated }
      : this.#texts.read(path);
    const fault = faultOf(path, text);
    if (fault !== undefined) this.#fail(fault, subject);
    if (fault !== undefined || text.kind === 'absent' || text.kind === 'unreadable') {
      return undefined;
    }
    const { realPath } = text;
    if (text.kind === 'masked') {
      return { name, path, realPath, masked: true, generated, entries: [] };
    }
    const added = this.#dropIns(name, subject);
    if (!this.#texts.spend(added.length)) {
      this.#fail(tooMuch(path), subject);
      return undefined;
    }
    const entries = added.length === 0 ? text.entries : [...text.entries, ...added];
    const refusal = name.endsWith('.service') ? serviceRefusal(text.entries, added) : undefined;
    const refused = refusal === undefined ? {} : { refusal };
    return { name, path, realPath, masked: false, generated, entries, ...refused };
  }

  #dropIns(name: string, subject: ProblemSubject): SystemdUnit['entries'] {
    const { paths, faults } = this.#directories.dropIns(name);
    for (const fault of faults) this.#fail(fault, subject);
    if (paths.length > maxDropIns) {
      this.#fail(tooMany(subject.unitPath, paths.length), subject);
      return [];
    }
    return paths.flatMap((path) => {
      const text = this.#texts.read(path);
      const fault = faultOf(path, text);
      if (fault !== undefined) this.#fail(fault, subject);
      if (text.kind !== 'read') return [];
      if (!name.endsWith('.service')) return text.entries;
      const counted = upToFault(text.entries);
      const faulty = text.entries[counted.length];
      if (faulty !== undefined) this.#fail(faultyDropIn(faulty), subject);
      return counted;
    });
  }

  #fail(fault: Fault, subject: ProblemSubject): void {
    this.problems.push({ ...fault, subject });
    // After these two faults the unit is still known: systemd does not load such a file either.
    if (!['dangling-link', 'unit-syntax'].includes(fault.code)) this.#unread.add(subject.unit);
  }
}

/** A link that a preset makes: `multi-user.target.wants/app.service`. */
interface PresetLink {
  readonly directory: string;
  /** The unit that starts the other: `multi-user.target`. */
  readonly starter: string;
  readonly unit: string;
  readonly rule: string;
}

function presetLink(link: string, rule: string): PresetLink {
  const slash = link.indexOf('/');
  const directory = link.slice(0, slash);
  const starter = directory.slice(0, directory.lastIndexOf('.'));
  return { directory, starter, unit: link.slice(slash + 1), rule };
}

type Fault = Omit<Problem, 'subject'>;

function faultOf(path: string, text: UnitText): Fault | undefined {
  if (text.kind === 'absent') return dangling(path);
  return text.kind === 'masked' ? undefined : text.fault;
}

function dangling(path: string): Fault {
  return {
    code: 'dangling-link',
    path,
    message: `expected a unit file or drop-in at ${displayPath(path)}, found a link that leads nowhere inside the root`,
    hint: 'ship the file that it leads to, or remove the link',
  };
}

function faultyDropIn(entry: UnitEntry): Fault {
  return {
    code: 'unit-syntax',
    path: entry.path,
    line: entry.line,
    message: wrongSetting(entry),
    hint: 'correct the line; systemd reads nothing of the file from there on',
  };
}

function tooMany(path: string, found: number): Fault {
  return {
    code: 'too-many-entries',
    path,
    message: `expected at most ${maxDropIns} drop-ins for a unit, found ${found}`,
    hint: 'merge them into fewer files',
  };
}
