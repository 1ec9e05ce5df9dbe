import type { Blob, ResolvedImage } from '../image/resolved.ts';
import type { Access } from '../registry/access.ts';
import type { ServiceContainer } from './containers.ts';
import type { Depot } from './depot.ts';
import type { FetchWatch } from './fetch-watch.ts';
import type { Pin, PinRequest } from './pin.ts';

export type EngineName = 'podman' | 'store';

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
