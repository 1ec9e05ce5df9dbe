export interface FetchWatch {
  readonly signal?: AbortSignal;
  /** Called with the number of bytes of this image that have arrived, those already present included. */
  readonly onBytes?: (bytes: number) => void;
  /** Called by engines that tell how far they are with unpacking. */
  readonly onUnpacked?: (unpacked: Unpacked) => void;
}

/** How many of the packed bytes of an image's layers are unpacked. */
export interface Unpacked {
  readonly bytes: number;
  readonly total: number;
}
