/** A blob or document of an image that an engine keeps as registries have it. */
export interface StoredBlob {
  /** In bytes. */
  readonly size: number;
  /** The bytes, which may be damaged: the reader checks them against the digest. */
  readonly read: () => AsyncIterable<Uint8Array>;
}

/** Finds a blob by its digest; undefined if it is not there. */
export type FindBlob = (digest: string) => Promise<StoredBlob | undefined>;
