import type { Blob, ResolvedImage } from '../image/resolved.ts';
import type { ShippedImages } from '../oci/local-images.ts';
import type { Access } from '../registry/access.ts';
import type { PermitOptions } from '../registry/registry.ts';
import type { FetchWatch } from './fetch-watch.ts';
import type { Pin, PinRequest } from './pin.ts';
import type { Source } from './source.ts';

/**
 * berth's own store beside an engine that unpacks images. Downloaded images wait there, held for a root and
 * this engine, until the engine unpacks them. Several engines have a depot in one store: an engine may use
 * every document and blob in the store, whoever stored them, but sees and drops only its own holds.
 */
export interface Depot {
  readonly directory: string;

  /**
   * Lets an image be downloaded, or be taken from here. An image that waits for this engine under the same
   * name was judged when it arrived and is not judged again.
   * @throws {RegistryError} as `Registry.permit`.
   */
  permit(image: ResolvedImage, access: Access, options: PermitOptions): Promise<void>;

  /** Whether the engine can unpack such an image from here. */
  serves(image: ResolvedImage): boolean;

  has(blob: Blob): boolean;

  /** The blobs that are not stored here. For a partly downloaded blob, `size` is what is still missing. */
  missing(blobs: readonly Blob[]): readonly Blob[];

  /** An image, read from the documents that are stored here; undefined if they are not. */
  find(name: string, meaning: Meaning): ResolvedImage | undefined;

  /** The images that wait for this engine as pins, with the engine's ids. */
  pins(): readonly Pin[];

  /**
   * Stores an image's documents and the given blobs, held for a root. Blobs that are stored already stay. A
   * blob that another engine in this process brings at the same time is waited for, and brought here if that
   * fails.
   */
  bring(
    hold: { readonly root: string; readonly request: PinRequest },
    image: ResolvedImage,
    blobs: readonly Blob[],
    source: Source,
    watch: FetchWatch,
  ): Promise<void>;

  /**
   * Lets go of images that wait for this engine, and of every engine's holds whose manifest is lost. Blobs
   * that nothing needs any more are removed.
   */
  drop(pins: readonly Pin[]): Promise<void>;

  /** The bytes of the images that lie here. @throws {EngineError} `store-damaged` */
  readonly images: ImageBytes;
}

export type ImageBytes = Pick<ShippedImages, 'manifest' | 'read'>;

/** The digests that a name stands for, as records and pins store them. */
export type Meaning = Pick<ResolvedImage, 'digest' | 'manifest' | 'platform'>;
