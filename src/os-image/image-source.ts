import type { Blob } from '../image/resolved.ts';

/** One image for one platform, and the bytes of its layers. */
export interface ImageSource {
  /** `image:REF@sha256:…`, with the manifest's digest. */
  readonly location: string;
  /** The layers from the base up. */
  readonly layers: readonly Blob[];
  /** The bytes of a layer, followed by an error if they don't match its digest. */
  read(blob: Blob): AsyncIterable<Buffer>;
}
