import type { EngineGroup, EngineId } from '../common/engine-id.ts';
import type { Secret } from '../common/secret.ts';
import type { ArchiveName } from '../image/archive-name.ts';
import type { Problem } from './problem.ts';
import type { StorageSettings } from './storage-conf.ts';

/** How a reference's unit comes to start. */
export type Activation = (typeof activations)[number];

/**
 * `on-success` and `on-failure` mean that a unit which starts names this unit in `OnSuccess=` or
 * `OnFailure=`, `none` that nothing starts the unit, `unknown` that berth can't tell. */
export const activations = [
  'boot',
  'socket',
  'timer',
  'path',
  'dbus',
  'on-success',
  'on-failure',
  'none',
  'unknown',
] as const;

/** Whose manager runs a unit: the system's, every user's, or the one of the user with a UID. */
export type Scope = 'system' | 'user' | `user:${number}`;

/** An image name as written in a file of a root, with its place. */
export interface Reference {
  /** The value as written in the unit that refers to the image (`x.image` for `Image=x.image`). */
  readonly raw: string;
  /** The file inside the root that holds `raw`: the unit, or the drop-in that sets the key. */
  readonly path: string;
  /** 1-based line of the key in `path`. */
  readonly line: number;
  /** The key whose value names the image: `Image`. */
  readonly key: string;
  /** The kind of place, for a Quadlet file its type: `container`, `image`, `volume`, … */
  readonly kind: string;
  /** The systemd service: `app.service`, `data-volume.service`. */
  readonly unit: string;
  /** The service of the `.image` unit that pulls for `unit`, where `raw` names one. */
  readonly imageService?: string;
  /** The unit's own file, its links not followed; equals `path` unless a drop-in sets the key. */
  readonly unitPath: string;
  /** `unitPath` with links followed, if that differs: links that bind are compared with both. */
  readonly unitRealPath?: string;
  readonly scope: Scope;
  /**
   * The engine that runs the containers of the image. Absent if the root does not tell, and then
   * `problems` says why.
   */
  readonly engine?: EngineId;
  readonly activation: Activation;
  /** The shortest chain of units by which the unit comes to start; empty if not known. */
  readonly via: readonly string[];
  /** The conditions of the units in `via`: `app.service: ConditionPathExists=/x`. */
  readonly conditions?: readonly string[];
  /**
   * The full image name; absent if it can't be known, and then `problems` says why, or if it stands in
   * the archive of `archived`.
   */
  readonly image?: string;
  /** The name is that of an OCI artifact, which podman keeps in a store apart from images. */
  readonly artifact?: true;
  /** The archive that the value names instead of an image. */
  readonly archived?: ArchivedImages;
  /** The pull options given together with the image. */
  readonly pull: PullOptions;
  /** `[X-Berth] Bind=` of the unit. */
  readonly bind?: boolean;
  /** `[X-Berth] LintIgnore=` of the unit. */
  readonly lintIgnore?: readonly LintIgnore[];
  /** The reasons why this image can't be fetched, or why its unit would not start offline. */
  readonly problems: readonly Problem[];
}

/** An image in an archive of the root, instead of one in a registry. */
export interface ArchivedImages {
  readonly archive: ArchiveName;
  /** The archive as podman takes it: `docker-archive:/usr/share/app.tar`. */
  readonly text: string;
  /**
   * `at-start`: podman takes the image from the archive whenever the unit starts, so nothing has to be
   * brought. `into-engine`: the names in the archive are names that the engine is to have.
   */
  readonly use: 'at-start' | 'into-engine';
  /** The full name that the image gets in the engine, if it is copied under another name. */
  readonly as?: string;
}

/** A rule of lint that a unit switches off for itself, with the reason. */
export interface LintIgnore {
  readonly code: string;
  /** The given reason; if it is empty, the rule is not switched off. */
  readonly reason: string;
  readonly path: string;
  readonly line: number;
}

export type PullPolicy = 'always' | 'missing' | 'never' | 'newer';

/** The pull options that a unit sets. Only `policy` has a default, which depends on the kind. */
export interface PullOptions {
  readonly policy: PullPolicy;
  /** A path inside the root. */
  readonly authFile?: string;
  /** The credentials as `user:password`. */
  readonly creds?: Secret;
  readonly tlsVerify?: boolean;
  readonly arch?: string;
  readonly os?: string;
  readonly variant?: string;
  readonly retry?: number;
  /** A duration in podman's form: `5s`. */
  readonly retryDelay?: string;
  /**
   * The read-only stores that podman searches besides its own, in order, as paths in the booted
   * root. Absent if neither the command nor the root's storage.conf names any.
   */
  readonly additionalStores?: readonly string[];
}

/** A link that binds a unit. */
export interface BoundLink {
  /** The link: `/usr/lib/berth/bound.d/app.container`. */
  readonly path: string;
  /** The real path inside the root of the unit file that the link leads to. */
  readonly target: string;
}

/** `[bind]` of a root's own berth.toml, validated. */
export interface BindPolicy {
  readonly mode?: BindMode;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** The last berth.toml that was read, inside the root. */
  readonly path?: string;
}

/** Which images are bound by default: only linked ones, those of units that may start, or all. */
export type BindMode = 'linked' | 'enabled' | 'all';

/** A user whose podman runs containers, as the root's own passwd knows the user. */
export interface UserAccount {
  /** The name in the engine's id `podman:NAME`. */
  readonly name: string;
  /** Absent if the root does not know the user. */
  readonly uid?: number;
  readonly home?: string;
}

/** The result of discovery: all that a root says about images. */
export interface Discovered {
  readonly references: readonly Reference[];
  /** The users whose podman is the engine of a reference, sorted by name. */
  readonly accounts: readonly UserAccount[];
  /** The groups of engines of references to which no unit of the root hands images at the boot. */
  readonly withoutHandover: readonly EngineGroup[];
  /** The problems that belong to no single reference. */
  readonly problems: readonly Problem[];
  readonly links: readonly BoundLink[];
  readonly policy: BindPolicy;
  readonly storage: StorageSettings;
}
