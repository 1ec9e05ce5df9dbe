/** An image that is judged, and what its judge may read. */
export interface Judged {
  /** The full name by which the image is requested. */
  readonly name: string;
  /** The digest of the manifest that is downloaded. */
  readonly manifest: string;
  readonly readKeyFile: ReadKeyFile;
  readonly signal: AbortSignal | undefined;
}

/** Reads a file that the policy names; a string says why it can't be read. */
export type ReadKeyFile = (path: string) => Buffer | string;
