import { join } from 'node:path';
import { containerdOf, type LatestSettings } from '../api/settings.ts';
import { KnownDocuments } from './known-documents.ts';

/** The most ids that are remembered: more than any host has images. */
const MOST = 50_000;

/**
 * berth's ids of docker's images: the digests of their configs. docker's own store uses the same ids, containerd's
 * store the digests of manifests and indexes. So an image keeps berth's id if docker changes to the other store,
 * and berth knows the id of an image that it downloads for a docker that is not there yet.
 */
export class Ids {
  readonly #settings: LatestSettings;
  readonly #known = new Map<string, Run>();
  readonly #documents = new KnownDocuments();

  constructor(settings: LatestSettings) {
    this.#settings = settings;
  }

  /** berth's id for an id of docker, which itself is the result if containerd's files don't tell the config. */
  of(target: string): string {
    return this.find(target)?.config ?? target;
  }

  /**
   * @param target docker's id.
   * @returns undefined if containerd's files don't tell the image: those of an image that is gone do not.
   */
  find(target: string): Run | undefined {
    const { store, root } = this.#settings.latest;
    if (store === 'own') return { config: target };
    const known = this.#known.get(target);
    if (known !== undefined) return known;
    const containerd = containerdOf(root);
    if (containerd === undefined) return undefined;
    const found = runIn(blobsOf(containerd), target, this.#documents);
    // The image of another platform is the one that runs until somebody pulls that for the host.
    if (found === undefined || found.isLasting !== true) return found;
    if (this.#known.size >= MOST) this.#known.clear();
    this.#known.set(target, found);
    return found;
  }
}

/** The image that docker runs for a manifest or index. */
export interface Run {
  /** The digest of its config. */
  readonly config: string;
  /** The digest of its manifest; absent in docker's own store. */
  readonly manifest?: string;
  /** Whether it stays the one, whatever else is pulled. */
  readonly isLasting?: boolean;
}

/** The directory of containerd's content, by digest. */
export function blobsOf(containerd: string): string {
  return join(containerd, 'io.containerd.content.v1.content/blobs');
}

/** The image of a manifest; of an index, the one that docker runs here. */
function runIn(blobs: string, digest: string, documents: KnownDocuments): Run | undefined {
  const document = documents.read(blobs, digest);
  if (document === undefined) return undefined;
  if ('config' in document) return { config: document.config, manifest: digest, isLasting: true };
  for (const [index, manifest] of document.manifests.entries()) {
    const found = documents.read(blobs, manifest);
    if (found === undefined || !('config' in found)) continue;
    return { config: found.config, manifest, isLasting: index === 0 };
  }
  return undefined;
}
