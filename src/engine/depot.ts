import type { Blob, ResolvedImage } from '../image/resolved.ts';
import type { ShippedImages } from '../oci/local-images.ts';
import type { Access } from '../registry/access.ts';
import type { PermitOptions } from '../registry/registry.ts';
import type { FetchWatch } from './fetch-watch.ts';
import type { Pin, PinRequest } from './pin.ts';

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

  /** The blobs that are not stored here. For a partly downloaded blob, `size` is what is missing. */
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
