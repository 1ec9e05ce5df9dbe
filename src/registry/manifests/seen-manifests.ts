import type { Manifest } from '../../oci/manifest.ts';

/** In bytes: enough for hundreds of images, and little compared with the size of the process. */
const MAX_BYTES = 8 * 1024 * 1024;

/**
 * Manifests that arrived when names were resolved: staging needs them next and does not request them again.
 */
export class SeenManifests {
  readonly #byDigest = new Map<string, Manifest>();
  #bytes = 0;

  /** Keeps the manifest if there is room. */
  add(manifest: Manifest): void {
    const { digest, content } = manifest;
    if (this.#byDigest.has(digest) || this.#bytes + content.length > MAX_BYTES) return;
    this.#bytes += content.length;
    this.#byDigest.set(digest, manifest);
  }

  get(digest: string): Manifest | undefined {
    return this.#byDigest.get(digest);
  }
}
