export interface FetchWatch {
  readonly signal?: AbortSignal;
  /** Called with the number of bytes of this image that have arrived, those already present included. */
  readonly onBytes?: (bytes: number) => void;
}
