import type { Secret } from '../common/secret.ts';
import type { Problem } from './problem.ts';
import type { StorageSettings } from './storage-conf.ts';

/** How a reference's unit comes to start. */
export type Activation = (typeof activations)[number];

export const activations = ['boot', 'socket', 'timer', 'path', 'dbus', 'none', 'unknown'] as const;

/** Whose units: the system's, every user's, or one user's. */
export type Scope = 'system' | 'user' | `user:${number}`;

/** An image name as a file of a root writes it, and where it stands. */
export interface Reference {
  /** The value as it stands in the unit that refers (`x.image` for `Image=x.image`). */
  readonly raw: string;
  /** The file inside the root in which `raw` stands: the unit, or the drop-in that sets it. */
  readonly path: string;
  /** 1-based line of the key in `path`. */
  readonly line: number;
  /** The key that names it: `Image`. */
  readonly key: string;
  /** The kind of place: `container`, `image`, `volume`, …: the unit file's type. */
  readonly kind: string;
  /** The systemd service: `app.service`, `data-volume.service`. */
  readonly unit: string;
  /** The service of the `.image` unit that pulls for `unit`, where `raw` names one. */
  readonly imageService?: string;
  /** The unit's own file, its links not followed; equals `path` unless a drop-in sets the key. */
  readonly unitPath: string;
  /** Where `unitPath` leads, where that is elsewhere: links that bind units lead there too. */
  readonly unitRealPath?: string;
  readonly scope: Scope;
  readonly activation: Activation;
  /** The shortest chain of units by which it comes to start; empty while not known. */
  readonly via: readonly string[];
  /** What units of `via` ask of the host before they start: `app.service: ConditionPathExists=/x`. */
  readonly conditions?: readonly string[];
  /** The full image name; absent where it can't be known, and then `problems` says why. */
  readonly image?: string;
  /** The pull options that stand beside it. */
  readonly pull: PullOptions;
  /** `[X-Berth] Bind=` of the unit. */
  readonly bind?: boolean;
  /** `[X-Berth] LintIgnore=` of the unit. */
  readonly lintIgnore?: readonly LintIgnore[];
  /** What keeps this reference from being fetched, or its unit from starting offline. */
  readonly problems: readonly Problem[];
}

/** A rule of lint that a unit says not to apply to it, and why. */
export interface LintIgnore {
  readonly code: string;
  /** Empty where none is given, and then it does not count. */
  readonly reason: string;
  readonly path: string;
  readonly line: number;
}

export type PullPolicy = 'always' | 'missing' | 'never' | 'newer';

/** Only what the unit says: nothing is defaulted but `policy`, whose default depends on the kind. */
export interface PullOptions {
  readonly policy: PullPolicy;
  /** A path inside the root. */
  readonly authFile?: string;
  /** `user:password`. */
  readonly creds?: Secret;
  readonly tlsVerify?: boolean;
  readonly arch?: string;
  readonly os?: string;
  readonly variant?: string;
  readonly retry?: number;
  /** As podman takes it: `5s`. */
  readonly retryDelay?: string;
  /**
   * Read-only stores in which podman looks beside its own, the first first: paths as the booted
   * root has them. Absent where neither the command nor the root's storage.conf says anything.
   */
  readonly additionalStores?: readonly string[];
}

/** A link in a directory whose links bind units. */
export interface BoundLink {
  /** The link: `/usr/lib/berth/bound.d/app.container`. */
  readonly path: string;
  /** The real path inside the root that it leads to. */
  readonly target: string;
}

/** `[bind]` of a root's own berth.toml, validated. */
export interface BindPolicy {
  readonly mode?: BindMode;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** The file that says so, inside the root. */
  readonly path?: string;
}

export type BindMode = 'linked' | 'enabled' | 'all';

/** Everything that a root says about images. */
export interface Discovered {
  readonly references: readonly Reference[];
  /** The problems that belong to no reference. */
  readonly problems: readonly Problem[];
  readonly links: readonly BoundLink[];
  readonly policy: BindPolicy;
  readonly storage: StorageSettings;
}
