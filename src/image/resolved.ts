/** What a name resolved to, at one moment, for one platform. Plain data, as plans hold it. */
export interface ResolvedImage {
  /** The full name: `docker.io/library/nginx:1.27`, or `quay.io/a/b@sha256:…`. */
  readonly name: string;
  /** What the name stands for in the registry: an index's digest, or the manifest's own. */
  readonly digest: string;
  /** The digest of the platform's manifest; the same as `digest` where there is no index. */
  readonly manifest: string;
  /** The digest of the image's config, which is the image ID of podman and docker. */
  readonly config: string;
  /** `os/architecture[/variant]`. */
  readonly platform: string;
  /** Every blob that makes the image: config first, then the layers from the base up. */
  readonly blobs: readonly Blob[];
}

/** A blob as a manifest describes it. */
export interface Blob {
  readonly mediaType: string;
  readonly digest: string;
  /** Compressed, in bytes. */
  readonly size: number;
}

/** The blobs without those that come a second time: an image may repeat a layer. */
export function distinctBlobs(blobs: readonly Blob[]): readonly Blob[] {
  return [...new Map(blobs.map((blob) => [blob.digest, blob])).values()];
}

/** What the blobs take together, compressed and each once, in bytes. */
export function sizeOf(blobs: readonly Blob[]): number {
  return distinctBlobs(blobs).reduce((sum, { size }) => sum + size, 0);
}
