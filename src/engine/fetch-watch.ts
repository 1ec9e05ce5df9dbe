export interface FetchWatch {
  readonly signal?: AbortSignal;
  /** Called with the bytes of this image that are here so far, those present before included. */
  readonly onBytes?: (bytes: number) => void;
}
