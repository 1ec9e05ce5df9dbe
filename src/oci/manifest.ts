/** A manifest or index as it came: its bytes, which have the digest, and the type given for it. */
export interface Manifest {
  readonly mediaType: string;
  readonly digest: string;
  readonly content: Buffer;
}
