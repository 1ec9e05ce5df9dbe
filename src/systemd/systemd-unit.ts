import type { Problem } from './problem.ts';
import type { ServiceRefusal } from './refusal/service-refusal.ts';
import type { Expanded } from './specifiers.ts';
import type { UnitEntry } from './unit-file.ts';
import type { Manager } from './unit-search-path.ts';

/** A unit as the manager would load it, with its drop-ins merged in. */
export interface SystemdUnit {
  /** The canonical name, with its type: `app@eu.service`. */
  readonly name: string;
  /** The unit's own file in the root, links not followed; for a generated unit its Quadlet file. */
  readonly path: string;
  /** `path` with all links followed. */
  readonly realPath: string;
  /** Whether the unit is an empty file or a link to `/dev/null`, so that it never starts. */
  readonly masked: boolean;
  /** Whether a generator (Quadlet) makes the unit. */
  readonly generated: boolean;
  /**
   * The assignments of the file, then those of its drop-ins in order, in systemd's dialect. Only
   * keys that berth reads are kept (wanted-keys.ts).
   */
  readonly entries: readonly UnitEntry[];
  /** Why systemd refuses the unit, so that it never starts; absent for most. Only for services. */
  readonly refusal?: ServiceRefusal;
}

/** A unit file that a generator (Quadlet) makes; it ranks below `/etc` and `/run`, above `/usr`. */
export interface GeneratedUnit {
  /** The name with its type: `app.service`. */
  readonly name: string;
  readonly path: string;
  readonly realPath: string;
  /**
   * [Unit] as systemd will see it, with Quadlet file names replaced by services and implied
   * dependencies added; [Service], [Install] and [X-Berth] as written, then the generator's own
   * command.
   */
  readonly entries: readonly UnitEntry[];
  /**
   * The links that the generator makes in `generator/`: `multi-user.target.wants/app.service`,
   * `alias.service`.
   */
  readonly links: readonly string[];
}

/** The result of enabling a unit: the links that systemd makes in `/etc/systemd/system`. */
export interface Installed {
  /** Further names of the unit. */
  readonly aliases: readonly string[];
  /** The links that start the unit: `multi-user.target.wants/app.service`. */
  readonly starts: readonly string[];
  /** The units of `Also=`, which are enabled with this one. */
  readonly also: readonly string[];
}

/** A unit that presets enable, with the links that systemd makes in `/etc/systemd/system`. */
export interface PresetUnit extends Installed {
  /** The canonical name, or the instance that is enabled. */
  readonly name: string;
  /** The path of the unit file, to which aliases lead. */
  readonly path: string;
  /** The place of the rule (`/usr/lib/systemd/system-preset/90.preset:3`), or that no rule matches. */
  readonly rule: string;
}

/** The units of one manager. */
export interface SystemdUnits {
  readonly manager: Manager;
  /**
   * Loads a unit by any of its names, following aliases and instantiating templates. Undefined if
   * there is no such unit, or if systemd can't load it.
   */
  readonly unit: (name: string) => SystemdUnit | undefined;
  /** Whether a file or a drop-in of systemd's changes what a generator makes of the unit. */
  readonly isChanged: (name: string) => boolean;
  /** All services with a file of their own, including templates, sorted by canonical name. */
  readonly services: () => Iterable<SystemdUnit>;
  /** The same for sockets. */
  readonly sockets: () => Iterable<SystemdUnit>;
  /** The names in a unit's `.wants`, `.requires` and `.upholds` directories. */
  readonly linked: (unit: SystemdUnit) => readonly string[];
  /** Those of the names in a unit's `.requires` directories. */
  readonly required: (unit: SystemdUnit) => readonly string[];
  /**
   * Whether no unit of that name will be there on the booted host. Known only of a system with nothing
   * that makes units besides what berth reads.
   */
  readonly isMissing: (name: string) => boolean;
  /**
   * How presets make `from` start the unit at the first boot: a rule's place. Undefined if they do not.
   */
  readonly presetOf: (from: string, unit: string) => string | undefined;
  /** Whether some file of the unit could not be read, so that its entries may be incomplete. */
  readonly isUnread: (name: string) => boolean;
  /** Whether all directories of the search path could be listed. */
  readonly isWhole: boolean;
  /** Replaces the specifiers in a word of the unit. */
  readonly expand: (unit: SystemdUnit, word: string) => Expanded;
  /** The units that the message bus starts on demand, each by one of its names; sorted. */
  readonly busServices: () => readonly string[];
  /** The problems of all units read so far: the list grows as units are read. */
  readonly problems: readonly Problem[];
}
