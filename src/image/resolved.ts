/** The image that a name meant at one moment for one platform. Plain data. */
export interface ResolvedImage {
  /** The full name: `docker.io/library/nginx:1.27`, or `quay.io/a/b@sha256:…`. */
  readonly name: string;
  /** The digest of the name in the registry: an index's, or the manifest's if there is no index. */
  readonly digest: string;
  /** The digest of the platform's manifest; equals `digest` if there is no index. */
  readonly manifest: string;
  /** The digest of the image's config, which is the image ID of podman and docker. */
  readonly config: string;
  /** `os/architecture[/variant]`. */
  readonly platform: string;
  /** The image is an OCI artifact: files for containers to mount, which nothing unpacks. */
  readonly artifact?: true;
  /** All blobs of the image: the config first, then the layers from the base up. */
  readonly blobs: readonly Blob[];
}

/** A blob as a manifest describes it. */
export interface Blob {
  readonly mediaType: string;
  readonly digest: string;
  /** Compressed, in bytes. */
  readonly size: number;
}

/** The blobs without repetitions: an image may contain a layer twice. */
export function distinctBlobs(blobs: readonly Blob[]): readonly Blob[] {
  return [...new Map(blobs.map((blob) => [blob.digest, blob])).values()];
}

/** The distinct layers of images. Images of one manifest have one list of blobs, which is looked at once. */
export function distinctLayersOf(
  images: readonly { readonly blobs: readonly Blob[] }[],
): readonly Blob[] {
  const lists = new Set(images.map(({ blobs }) => blobs));
  return distinctBlobs([...lists].flatMap((blobs) => blobs.slice(1)));
}

/** The distinct blobs of lists. A list that stands there for many names is read once. */
export function distinctInLists(lists: readonly (readonly Blob[])[]): readonly Blob[] {
  return distinctBlobs([...new Set(lists)].flat());
}

/** The total size of the blobs in bytes, compressed, each counted once. */
export function sizeOf(blobs: readonly Blob[]): number {
  return distinctBlobs(blobs).reduce((sum, { size }) => sum + size, 0);
}
