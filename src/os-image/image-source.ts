import type { Blob } from '../image/resolved.ts';

/** One image for one platform, and the bytes of its layers. */
export interface ImageSource {
  /** `image:REF@sha256:…`, with the manifest's digest. */
  readonly location: string;
  /** From the base up. */
  readonly layers: readonly Blob[];
  /** The bytes of a layer; if they don't have its digest, an error at their end. */
  read(blob: Blob): AsyncIterable<Buffer>;
}
