import type { Problem } from './problem.ts';
import type { Expanded } from './specifiers.ts';
import type { UnitEntry } from './unit-file.ts';
import type { Manager } from './unit-search-path.ts';

/** A unit as the manager would load it, its drop-ins merged in. */
export interface SystemdUnit {
  /** The canonical name, with its type: `app@eu.service`. */
  readonly name: string;
  /** The unit's own file in the root, its links not followed; the Quadlet file of a generated one. */
  readonly path: string;
  /** Where `path` leads. */
  readonly realPath: string;
  /** An empty file or a link to `/dev/null`: it never starts. */
  readonly masked: boolean;
  /** Whether a generator makes it. */
  readonly generated: boolean;
  /**
   * The file's assignments, then those of its drop-ins in their order, in systemd's dialect; only
   * such as berth reads.
   */
  readonly entries: readonly UnitEntry[];
}

/** What a generator (Quadlet) makes: a unit file of the lowest but one precedence. */
export interface GeneratedUnit {
  /** With its type: `app.service`. */
  readonly name: string;
  readonly path: string;
  readonly realPath: string;
  /**
   * [Unit] as systemd will see it (Quadlet file names replaced by their services, implied
   * dependencies added), [Service] and [Install] as written.
   */
  readonly entries: readonly UnitEntry[];
  /** The links that the generator makes in `generator/`: `multi-user.target.wants/app.service`, `alias.service`. */
  readonly links: readonly string[];
}

/** The units of one manager. */
export interface SystemdUnits {
  readonly manager: Manager;
  /**
   * Loads a unit by any of its names: aliases followed, a template instantiated. Undefined for
   * one that is not there, or that systemd can't load.
   */
  readonly unit: (name: string) => SystemdUnit | undefined;
  /** Every service that has a file of its own, by canonical name, templates too; sorted. */
  readonly services: () => Iterable<SystemdUnit>;
  /** The names in a unit's `.wants`, `.requires` and `.upholds` directories. */
  readonly linked: (unit: SystemdUnit) => readonly string[];
  /** Whether berth could not read something of the unit, and so does not know all that it says. */
  readonly isUnread: (name: string) => boolean;
  /** Whether all directories of the search path could be listed. */
  readonly isWhole: boolean;
  /** What a word of the unit means, its specifiers replaced. */
  readonly expand: (unit: SystemdUnit, word: string) => Expanded;
  /** Units, by any of their names, that the message bus starts on demand; sorted. */
  readonly busServices: () => readonly string[];
  /** Grows as units are read. */
  readonly problems: readonly Problem[];
}
