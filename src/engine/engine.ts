import { BerthError, type FailureKind } from '../errors.ts';
import type { Blob, ResolvedImage } from '../image/resolved.ts';
import type { Access } from '../registry/access.ts';
import type { PermitOptions } from '../registry/permissions.ts';
import type { ShippedImages } from '../registry/shipped.ts';
import type { roles, updaters } from '../roots.ts';

export type EngineName = 'podman' | 'store';

type Updater = (typeof updaters)[number];
/** `held` is what records call a root that its updater has let go of. */
type Role = (typeof roles)[number] | 'held';

/**
 * Where images live. The engine holds the truth of the images and the pins; the records say only
 * what is wanted. Every call is safe to repeat after a kill at any moment, and beside another
 * process that does the same.
 */
export interface Engine {
  readonly name: EngineName;

  /** How many fetches at a time are quickest here. */
  readonly concurrency: number;

  /** The engine's id of an image: podman's is the config's digest, the store's the manifest's. */
  idOf(image: ResolvedImage): string;

  info(): Promise<EngineInfo>;

  /** Every image that is present and whole. */
  images(): Promise<readonly EngineImage[]>;

  /** Whether the image is present and whole, now. */
  has(id: string): Promise<boolean>;

  /** Every pin that berth ever made here and that is still there, found by its labels. */
  pins(): Promise<readonly Pin[]>;

  /**
   * The pins that look in every respect as berth makes them: lost records are made again from no others.
   * Absent where nobody else can make a pin.
   */
  readonly genuine?: (pins: readonly Pin[]) => Promise<readonly Pin[]>;

  /** Where images wait for this engine to unpack them; absent where they are kept as they come. */
  readonly depot?: Depot;

  /**
   * The blobs that have to come over the network for an image of which one or all names are
   * missing: neither here, nor here unpacked, nor in the depot. Of one that is here in part, `size`
   * is what is missing.
   */
  missingBlobs(image: ResolvedImage): Promise<readonly Blob[]>;

  /**
   * Each layer that is here unpacked, as the digests of the blobs that made it and those below it,
   * from the base up; none where `EngineInfo.unpacking` is absent.
   */
  layers(): Promise<readonly (readonly string[])[]>;

  /**
   * How many bytes become free when these images, which are present, are removed; more than that
   * in no case, less where they share layers with others that stay.
   */
  freed(ids: ReadonlySet<string>): Promise<number>;

  /**
   * Brings the image, by `image.digest`, so that afterwards `repository@image.digest` names it
   * here; no tag is touched. What is present is not downloaded again.
   *
   * @returns the engine's id of the image, which equals `idOf(image)`.
   */
  fetch(image: ResolvedImage, access: Access, watch?: FetchWatch): Promise<string>;

  /**
   * Pins images for a root. A pin that is there already is made to say what is asked for; other
   * pins of the root stay.
   *
   * @throws {EngineError} `no-such-image` if one of the images is gone again.
   */
  pin(root: string, images: readonly PinRequest[]): Promise<void>;

  /**
   * How many locks are left, of which each pin takes one and so do the pins of a root together;
   * undefined where there is no bound, or it can't be told.
   */
  freeLocks(): Promise<number | undefined>;

  /** Drops pins; one that is gone already is none to worry about. The images stay. */
  unpin(pins: readonly Pin[]): Promise<void>;

  /** Makes the tagged full name mean this image; moves it if it meant another. */
  tag(id: string, name: string): Promise<void>;

  /**
   * Removes the image with all its names.
   *
   * @returns false, and nothing is changed, if something (a container, a pin) holds it.
   */
  remove(id: string): Promise<boolean>;

  /** The containers that services, or one of them, run by now; absent where nothing is run. */
  readonly containers?: (unit?: string) => Promise<readonly ServiceContainer[]>;

  /** Ends what was started for this (a service process, connections). */
  close(): Promise<void>;
}

/**
 * berth's own store beside an engine that unpacks: what was downloaded waits there, held for a root.
 * Its documents and blobs serve the engine whoever brought them.
 */
export interface Depot {
  readonly directory: string;

  /**
   * Whether an image may be downloaded, or what is here taken for it: what waits under this name was
   * judged when it came. @throws {RegistryError} as `Registry.permit`.
   */
  permit(image: ResolvedImage, access: Access, options: PermitOptions): Promise<void>;

  /** Whether the engine can unpack such an image from here. */
  serves(image: ResolvedImage): boolean;

  has(blob: Blob): boolean;

  /** Those of these that are not here; of one that is here in part, `size` is what is missing. */
  missing(blobs: readonly Blob[]): readonly Blob[];

  /** An image by the documents that are here; undefined if they are not. */
  find(name: string, meaning: Meaning): ResolvedImage | undefined;

  /** What waits, with the engine's ids. */
  pins(): readonly Pin[];

  /** Brings an image's documents and those of its blobs, held for a root; what is there stays. */
  bring(
    hold: { readonly root: string; readonly request: PinRequest },
    image: ResolvedImage,
    blobs: readonly Blob[],
    access: Access,
    watch: FetchWatch,
  ): Promise<void>;

  /** Lets go of what waited, and of whatever lost its manifest; removes what nothing needs any more. */
  drop(pins: readonly Pin[]): Promise<void>;

  /** The bytes of what is here. @throws {EngineError} `store-damaged` */
  readonly images: ImageBytes;
}

export type ImageBytes = Pick<ShippedImages, 'manifest' | 'read'>;

/** What a name stands for, on record. */
export type Meaning = Pick<ResolvedImage, 'digest' | 'manifest' | 'platform'>;

export interface EngineInfo {
  readonly name: EngineName;
  /** The program's version; berth's own for the store. */
  readonly version: string;
  /** Where images lie on disk: the directory whose file system must have the space. */
  readonly directory: string;
  /** Where blobs lie until they are unpacked into `directory`; absent where they are kept as they come. */
  readonly unpacking?: string;
  /** Where a system's podman itself says that its images lie; a user's is no matter of the root. */
  readonly graphRoot?: string;
  /** Of the layers on disk, of a system's podman: `overlay`. */
  readonly driver?: string;
  /** The stores beside its own in which it looks, as far as it tells. */
  readonly additionalStores?: readonly string[];
  /** One line for people: which socket or program, and whether berth started it. */
  readonly description: string;
}

export interface EngineImage {
  /** `sha256:…`, as `Engine.idOf`. */
  readonly id: string;
  /** The full tagged names that mean this image: `docker.io/library/nginx:1.27`. */
  readonly names: readonly string[];
  /** `repository@sha256:…` for each manifest or index digest it is known by. */
  readonly digests: readonly string[];
  /** On disk, in bytes. */
  readonly size: number;
  /** Whether the engine itself knows that berth fetched it, and that nobody else named it since. */
  readonly fetched?: boolean;
}

/** A name that an image serves, with what that name meant when it was resolved. */
export interface PinnedName {
  readonly name: string;
  /** The digest that the name stood for: an index's, or the manifest's own. */
  readonly digest: string;
  readonly manifest: string;
}

export interface PinRequest {
  /** The engine's id of the image. */
  readonly id: string;
  readonly platform: string;
  readonly names: readonly PinnedName[];
  /** Whether berth brought the image here; if not, berth never removes it. */
  readonly fetched: boolean;
  /** What the root's record says beside its images, so that it can be made again from pins. */
  readonly record: PinnedRecord;
}

export interface PinnedRecord {
  /** The root's location. */
  readonly location: string;
  /** How many images the record has: fewer pins than that are not the whole. */
  readonly images: number;
  /** How many problems on bound references it has. */
  readonly problems: number;
  /** When the root was staged, ISO 8601. */
  readonly staged: string;
  /** How it is known whether the root still lives; absent for one that no updater knows. */
  readonly deployment?: { readonly updater: Updater; readonly role: Role } | undefined;
}

/** The engine's hold on one image on behalf of one root. */
export interface Pin extends PinRequest {
  readonly root: string;
  /** Whether a seal proves that berth wrote it; absent where nobody else could. */
  readonly sealed?: boolean;
  /** Whether it says that berth brought the image, which nothing proves; `fetched` is false then. */
  readonly unproven?: boolean;
  /** What the engine calls it: a container's id, a file. */
  readonly handle: string;
}

/** A container that a service of systemd runs. */
export interface ServiceContainer {
  readonly id: string;
  readonly name: string;
  /** The service. */
  readonly unit: string;
  /** As it was started. */
  readonly image: string;
  /** The engine's id of that. */
  readonly imageId: string;
  /** The command line that made it, where the engine tells. */
  readonly command: readonly string[];
  /** Its auto-update policy, where it has one. */
  readonly policy: string;
  /** Absent where nobody checks it. */
  readonly health?: {
    /** `starting`, `healthy`, `unhealthy`. */
    readonly status: string;
    /** What the last check said. */
    readonly output: string;
    /** For so long a check that fails does not count, in seconds. */
    readonly startPeriod: number;
  };
}

export interface FetchWatch {
  readonly signal?: AbortSignal;
  /** Called with the bytes of this image that are here so far, those present before included. */
  readonly onBytes?: (bytes: number) => void;
}

export type EngineErrorCode =
  /** The engine can't be reached or started. */
  | 'engine-unreachable'
  /** Another process has held a lock for longer than it is waited for. */
  | 'lock-held'
  /** The engine refused or failed a request; the message has its words. */
  | 'engine-failed'
  /** A reply is not what the engine's interface promises. */
  | 'engine-reply'
  | 'no-such-image'
  /** The layout on disk is damaged in a way that berth must not repair by guessing. */
  | 'store-damaged'
  /** As `TornImageError`. */
  | 'torn-image'
  | 'no-space';

const kinds: { readonly [code in EngineErrorCode]?: FailureKind } = {
  'engine-unreachable': 'unreachable',
  'lock-held': 'unreachable',
  'no-space': 'refused',
};

export class EngineError extends BerthError {
  declare readonly code: EngineErrorCode;

  constructor(code: EngineErrorCode, message: string, options: { hint: string; cause?: unknown }) {
    super(code, message, { ...options, kind: kinds[code] ?? 'failed' });
  }
}

/**
 * An image that was never finished, because what made it was killed: the engine knows its id and
 * nothing else of it, and can tell none of its other images as long as it is there.
 * `Engine.remove` takes it away.
 */
export class TornImageError extends EngineError {
  readonly id: string;

  constructor(id: string, words: string) {
    const message = `the image ${id} was left half-written, and podman lists no image because of it: ${words}`;
    const hint = `\`podman rmi ${id}\` removes it, and so do \`berth reconcile\` and \`berth stage\``;
    super('torn-image', message, { hint });
    this.id = id;
  }
}
