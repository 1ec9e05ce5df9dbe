/**
 * A manifest or index as received: the bytes, which match the digest, and the media type that its source
 * gave.
 */
export interface Manifest {
  readonly mediaType: string;
  readonly digest: string;
  readonly content: Buffer;
}
