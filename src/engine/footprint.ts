import { type Blob, sizeOf } from '../image/resolved.ts';

/** The cost of bringing images into an engine: downloads, and space in file systems. */
export interface Footprint {
  /** Each image, in the order in which they were asked about. */
  readonly images: readonly MissingBlobs[];
  /** What the engine writes if it fetches the images itself, its own file system first. */
  readonly direct: readonly Use[];
  /** What the engine writes if it takes the images from its depot; absent for an engine without a depot. */
  readonly fromDepot?: readonly Use[];
}

/** The blobs that are missing for one image; the image lacks one or all of its names. */
export interface MissingBlobs {
  /** The blobs that the engine does not hold, neither as they come nor unpacked. */
  readonly lacking: readonly Blob[];
  /**
   * The blobs that have to come from the image's source: lacking, and not in the depot. For a partly
   * downloaded blob, `size` is what is still missing.
   */
  readonly missing: readonly Blob[];
}

/** Bytes and files written below one directory. */
export interface Use {
  readonly directory: string;
  readonly bytes: number;
  /** The part of `bytes` that is still there when the images have come: the rest are temporary files. */
  readonly stays: number;
  readonly files: number;
  /** Whether `bytes`, `stays` and `files` are estimates: no registry says how large a layer unpacks. */
  readonly estimated: boolean;
}

/** The space for writing blobs as they are, each once, and this many documents beside them. */
export function useOfBlobs(directory: string, blobs: readonly Blob[], documents: number): Use {
  const digests = new Set(blobs.map(({ digest }) => digest));
  const bytes = sizeOf(blobs);
  return { directory, bytes, stays: bytes, files: digests.size + documents, estimated: false };
}
