import type { EngineId } from '../common/engine-id.ts';
import type { ResolvedImage } from '../image/resolved.ts';
import type { Ahead } from './ahead.ts';
import type { ServiceContainer, ServicePod } from './containers.ts';
import type { Depot } from './depot.ts';
import type { EngineError } from './errors.ts';
import type { FetchWatch } from './fetch-watch.ts';
import type { Footprint } from './footprint.ts';
import type { Pin, PinRequest } from './pin.ts';
import type { Source } from './source.ts';
import type { FindBlob } from './stored-blob.ts';
import type { Wake } from './wake.ts';

/**
 * An engine keeps images and pins. Only the engine knows which of them exist; records say what is wanted.
 * Every call is safe to repeat after a kill at any moment, and safe beside another process that does the
 * same. An engine may stay open for weeks while the program behind it is restarted: whatever it remembers
 * is bounded or checked again.
 *
 * No code outside `engine/` and `store/` decides anything by an engine's id: `traits` and the optional
 * members say how engines differ.
 */
export interface Engine extends Images, Pins {
  readonly id: EngineId;
  readonly traits: Traits;
  /** The UID of the user whose engine it is; absent for an engine of the system. */
  readonly uid?: number | undefined;

  info(): Promise<EngineInfo>;

  /** The running containers of all services, or of one; absent for an engine that runs none. */
  readonly containers?: ((unit?: string) => Promise<readonly ServiceContainer[]>) | undefined;

  /** The pods of all services; absent for an engine whose services run none. */
  readonly pods?: (() => Promise<readonly ServicePod[]>) | undefined;

  /**
   * Whether the engine keeps OCI artifacts among its images, now; absent for an engine that keeps none. An
   * artifact has no pins, gets a tagged name only from a registry, and never waits in the depot.
   */
  readonly keepsArtifacts?: (() => boolean) | undefined;

  /**
   * Removes images that were left half-written when their writer was killed, and that keep the engine from
   * listing its images (`EngineError` `torn-image`). Absent for an engine that can't have such images.
   *
   * @returns the ids of the removed images.
   */
  readonly repair?: ((signal: AbortSignal) => Promise<readonly string[]>) | undefined;

  /**
   * Updates berth's pins after others have changed theirs, for an engine that keeps both in one list; absent for an
   * engine whose pins are independent of each other.
   */
  readonly renewPins?: (() => Promise<void>) | undefined;

  /**
   * Wakes a watcher, which then compares records with `images()` and `pins()`: a wake too many, or several
   * losses as one, does no harm. The first wake is `listening`. The stream ends when the engine does, and
   * throws `EngineError` if the engine can't give it; the caller asks again later. The stream may last for weeks, so
   * each event is bounded and none is kept. Absent for an engine that has no events.
   */
  readonly losses?: ((signal: AbortSignal) => AsyncIterable<Wake>) | undefined;

  /**
   * Why the engine can't be used now. Such an engine has a depot, in which its images wait, and neither
   * images nor pins. Undefined for an engine that is there.
   */
  readonly absence?: Absence | undefined;

  /** Ends what was started for this engine: a service process, connections. */
  close(): Promise<void>;
}

export interface Absence {
  /** For people: `no user app has UID 1001 here`. */
  readonly reason: string;
  readonly hint: string;
  /**
   * When the engine takes its waiting images: at the boot of the root, without a network, or never, because
   * this berth can't hand images to it.
   */
  readonly takes: 'at-boot' | 'never';
}

/** The promises in which engines differ, as far as callers depend on them. */
export interface Traits {
  /** The downloader of images that `fetch` brings: berth, which keeps to its rate limit, or the engine. */
  readonly downloads: 'berth' | 'engine';
  /** The judge of images from a registry, by policy.json. */
  readonly judges: 'berth' | 'engine';
  /**
   * Whose registries.conf and credentials the engine uses when it pulls: the caller's, or those of another
   * user.
   */
  readonly pullsAs: 'caller' | 'other';
  /**
   * What a pin protects an image from. `firm`: every removal except by force. `advisory`: only the engine's own
   * clean-up, so that a removal by name or id takes the image all the same.
   */
  readonly pins: 'firm' | 'advisory';
  /**
   * Whether the engine knows an image from its depot by all that a pull would tell it: its names by digest, its
   * index.
   */
  readonly loadsAsPulled?: boolean;
  /** The engines that may share this engine's storage, and then lose what is removed here. */
  readonly sharesStorageWith?: readonly EngineId[];
}

/** The images of an engine. */
export interface Images {
  /** The number of fetches at a time with which all are done soonest. */
  readonly concurrency: number;

  /**
   * The depot where images wait for this engine to unpack them; absent for an engine that stores them as
   * they come.
   */
  readonly depot?: Depot | undefined;

  /**
   * The engine's id of an image: podman's is the config's digest, the store's and that of an artifact the
   * manifest's.
   */
  idOf(image: ResolvedImage): string;

  /** Every image that is present and whole. */
  images(): Promise<readonly EngineImage[]>;

  /** Whether the image is present and whole, now. */
  has(id: string): Promise<boolean>;

  /** The cost of fetching images that lack one or all of their names. Changes nothing. */
  footprint(images: readonly ResolvedImage[]): Promise<Footprint>;

  /**
   * How many bytes become free when these images, which are present, are removed. This is the most: it is
   * less if they share layers with images that stay.
   */
  freed(ids: ReadonlySet<string>): Promise<number>;

  /**
   * Fetches the image by `image.digest`, so that afterwards `repository@image.digest` names it here. No tag
   * is touched. Blobs that are present are not downloaded again.
   *
   * @returns the engine's id of the image, which equals `idOf(image)`.
   */
  fetch(image: ResolvedImage, source: Source, watch?: FetchWatch): Promise<string>;

  /**
   * Begins to unpack an image whose layers come into the depot from the base up. It is fetched afterwards, before
   * `Ahead.end`. Absent for an engine without a depot, and for one that does not reuse layers.
   */
  readonly unpackAhead?: ((image: ResolvedImage, signal: AbortSignal) => Ahead) | undefined;

  /**
   * Finds a blob or document that the engine keeps as registries have it. Absent for an engine that keeps images only
   * unpacked.
   */
  readonly findBlob?: FindBlob | undefined;

  /**
   * The layers of each image as they lie on disk, by the image's id; an image whose layers can't be told is left out.
   * Absent for an engine that can't tell.
   */
  readonly layers?: (() => Promise<ReadonlyMap<string, readonly StoredLayer[]>>) | undefined;

  /** Makes the tagged full name mean this image, and moves the name if it meant another. */
  tag(id: string, name: string): Promise<void>;

  /**
   * Removes the image with all its names.
   *
   * @returns false, with nothing changed, if something (a container, a pin) holds the image.
   */
  remove(id: string): Promise<boolean>;
}

/** The pins of an engine: its hold on images on behalf of roots. */
export interface Pins {
  /** Every pin that berth ever made here and that is still there, found by its labels. */
  pins(): Promise<readonly Pin[]>;

  /**
   * The pins that are in every respect as berth makes them: lost records are rebuilt from these alone.
   * Absent for an engine in which nobody else can make a pin.
   */
  readonly genuine?: ((pins: readonly Pin[]) => Promise<readonly Pin[]>) | undefined;

  /**
   * Why there is no room for this many more pins of a root at this moment; undefined if there is. Pins that
   * are about to be dropped free no room, because new pins are made before old ones go.
   */
  roomFor(root: string, count: number): Promise<EngineError | undefined>;

  /**
   * Pins images for a root. An existing pin is updated to match the request; other pins of the root stay.
   *
   * @throws {EngineError} `no-such-image` if one of the images is gone again.
   */
  pin(root: string, images: readonly PinRequest[]): Promise<void>;

  /** Drops pins; a pin that is already gone is no error. The images stay. */
  unpin(pins: readonly Pin[]): Promise<void>;

  /**
   * Removes what berth made for pins that are gone, or that never came to be, and that holds no image. Only
   * called while no other berth pins. Absent for an engine in which nothing of that kind can be left.
   */
  readonly tidyPins?: (() => Promise<void>) | undefined;
}

export interface EngineInfo {
  readonly name: EngineId;
  /** The version of the program; for the store, berth's own. */
  readonly version: string;
  /** The directory where images are stored; its file system must have the space. */
  readonly directory: string;
  /**
   * The directory where blobs lie until they are unpacked into `directory`; absent for an engine that
   * stores them as they come.
   */
  readonly unpacking?: string;
  /**
   * The graph root that the system's podman reports. Absent for a user's podman, whose storage does not
   * belong to the root.
   */
  readonly graphRoot?: string;
  /** The storage driver of the system's podman, such as `overlay`. */
  readonly driver?: string;
  /** The additional image stores in which the system's podman looks, as far as it reports them. */
  readonly additionalStores?: readonly string[];
  /** One line for people: which socket or program, and whether berth started it. */
  readonly description: string;
  /** `Traits.pins` of an engine whose pins are advisory. */
  readonly pins?: 'advisory';
}

/** A piece of storage that images of an engine may share. */
export interface StoredLayer {
  /** The engine's own id of the piece. */
  readonly id: string;
  /** In bytes, on disk. */
  readonly size: number;
}

export interface EngineImage {
  /** `sha256:…`, as `Images.idOf`. */
  readonly id: string;
  /** An OCI artifact. */
  readonly artifact?: true;
  /** The full tagged names that mean this image: `docker.io/library/nginx:1.27`. */
  readonly names: readonly string[];
  /** `repository@sha256:…` for each manifest or index digest by which the image is known. */
  readonly digests: readonly string[];
  /**
   * `repository@sha256:…` by which berth brought the image, though the engine itself may not know the digest:
   * docker's own store keeps no digest of what it loads. For a name with a tag that is enough: the pin's seal proves
   * that the image is the right one. Absent for an engine that keeps every digest.
   */
  readonly vouched?: readonly string[];
  /** Size on disk, in bytes. */
  readonly size: number;
  /**
   * Whether the engine itself knows that berth fetched the image, and that nobody else has named it since.
   */
  readonly fetched?: boolean;
}
