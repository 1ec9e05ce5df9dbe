import type { EngineId } from '../common/engine-id.ts';
import type { ResolvedImage } from '../image/resolved.ts';
import type { ServiceContainer } from './containers.ts';
import type { Depot } from './depot.ts';
import type { EngineError } from './errors.ts';
import type { FetchWatch } from './fetch-watch.ts';
import type { Footprint } from './footprint.ts';
import type { Pin, PinRequest } from './pin.ts';
import type { Source } from './source.ts';

/**
 * Where images live. The engine holds the truth of the images and the pins; the records say only
 * what is wanted. Every call is safe to repeat after a kill at any moment, and beside another
 * process that does the same. An engine may be kept open for weeks, in which what it talks to is
 * restarted: what it remembers has a bound, or is checked.
 *
 * Nothing outside of `engine/` and `store/` asks an engine for its id to decide something: how
 * engines differ is said by `traits`, and by which of the optional members are there.
 */
export interface Engine extends Images, Pins {
  readonly id: EngineId;
  readonly traits: Traits;

  info(): Promise<EngineInfo>;

  /** The containers that services, or one of them, run by now; absent where nothing is run. */
  readonly containers?: ((unit?: string) => Promise<readonly ServiceContainer[]>) | undefined;

  /**
   * Removes images that were never finished, because what made them was killed, and that keep the
   * engine from telling what it has (`EngineError` `torn-image`). Absent where that can't be.
   *
   * @returns the ids of the images that it removed.
   */
  readonly repair?: ((signal: AbortSignal) => Promise<readonly string[]>) | undefined;

  /** Ends what was started for this (a service process, connections). */
  close(): Promise<void>;
}

/** How engines differ in what they promise, as far as somebody decides by it. */
export interface Traits {
  /** Who downloads what `fetch` brings: berth, at the rate that it keeps to, or the engine itself. */
  readonly downloads: 'berth' | 'engine';
  /** Who judges by policy.json what `fetch` brings from a registry. */
  readonly judges: 'berth' | 'engine';
}

/** The images of an engine. */
export interface Images {
  /** How many fetches at a time are quickest. */
  readonly concurrency: number;

  /** Where images wait for this engine to unpack them; absent where they are kept as they come. */
  readonly depot?: Depot | undefined;

  /** The engine's id of an image: podman's is the config's digest, the store's the manifest's. */
  idOf(image: ResolvedImage): string;

  /** Every image that is present and whole. */
  images(): Promise<readonly EngineImage[]>;

  /** Whether the image is present and whole, now. */
  has(id: string): Promise<boolean>;

  /** What it takes to bring images of which one name or all names are missing. Reads only. */
  footprint(images: readonly ResolvedImage[]): Promise<Footprint>;

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
  fetch(image: ResolvedImage, source: Source, watch?: FetchWatch): Promise<string>;

  /** Makes the tagged full name mean this image; moves it if it meant another. */
  tag(id: string, name: string): Promise<void>;

  /**
   * Removes the image with all its names.
   *
   * @returns false, and nothing is changed, if something (a container, a pin) holds it.
   */
  remove(id: string): Promise<boolean>;
}

/** The pins of an engine: its hold on images on behalf of roots. */
export interface Pins {
  /** Every pin that berth ever made here and that is still there, found by its labels. */
  pins(): Promise<readonly Pin[]>;

  /**
   * The pins that look in every respect as berth makes them: lost records are made again from no others.
   * Absent where nobody else can make a pin.
   */
  readonly genuine?: ((pins: readonly Pin[]) => Promise<readonly Pin[]>) | undefined;

  /**
   * Why there is no room for so many more pins of a root, as things stand now; undefined if there is.
   * Pins that are to go first count for nothing, as the new come before the old go.
   */
  roomFor(root: string, count: number): Promise<EngineError | undefined>;

  /**
   * Pins images for a root. A pin that is there already is made to say what is asked for; other
   * pins of the root stay.
   *
   * @throws {EngineError} `no-such-image` if one of the images is gone again.
   */
  pin(root: string, images: readonly PinRequest[]): Promise<void>;

  /** Drops pins; one that is gone already is none to worry about. The images stay. */
  unpin(pins: readonly Pin[]): Promise<void>;
}

export interface EngineInfo {
  readonly name: EngineId;
  /** The program's version; berth's own for the store. */
  readonly version: string;
  /** Where images lie on disk: the directory whose file system must have the space. */
  readonly directory: string;
  /** Where blobs lie until they are unpacked into `directory`; absent where they are kept as they come. */
  readonly unpacking?: string;
  /** Where a system's podman itself says that its images lie; a user's is no matter of the root. */
  readonly graphRoot?: string;
  /** The driver of the layers on disk of a system's podman: `overlay`. */
  readonly driver?: string;
  /** The stores beside its own in which a system's podman looks, as far as it tells. */
  readonly additionalStores?: readonly string[];
  /** One line for people: which socket or program, and whether berth started it. */
  readonly description: string;
}

export interface EngineImage {
  /** `sha256:…`, as `Images.idOf`. */
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
