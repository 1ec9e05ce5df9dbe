import type { Blob } from '../image/resolved.ts';

/** Where the layers of one image, for one platform, come from. */
export interface ImageSource {
  /** `image:REF@sha256:…`, with the manifest's digest. */
  readonly location: string;
  /** From the base up. */
  readonly layers: readonly Blob[];
  /** The bytes of a layer; an error at the end if they were not those of its digest. */
  read(blob: Blob): AsyncIterable<Buffer>;
}
