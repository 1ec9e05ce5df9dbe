import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode } from '../../../common/errors.ts';
import { sha256 } from '../../../image/digest.ts';
import { formatPlatform, hostPlatform } from '../../../image/platform.ts';
import { type Index, MAX_DOCUMENT_BYTES, parseDocument } from '../../../oci/document.ts';
import { containerdOf, type LatestSettings } from '../api/settings.ts';

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
    const found = runIn(blobsOf(containerd), target);
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
function runIn(blobs: string, digest: string): Run | undefined {
  const document = read(blobs, digest);
  if (document?.kind === 'manifest') {
    return { config: document.config.digest, manifest: digest, isLasting: true };
  }
  if (document === undefined) return undefined;
  for (const [index, entry] of hostsFirst(document).entries()) {
    const manifest = read(blobs, entry.digest);
    if (manifest?.kind !== 'manifest') continue;
    return { config: manifest.config.digest, manifest: entry.digest, isLasting: index === 0 };
  }
  return undefined;
}

/** Entries for the host's platform before others, of which docker may have been made to pull one. */
function hostsFirst({ entries }: Index): Index['entries'] {
  const host = formatPlatform(hostPlatform());
  const isHosts = ({ platform }: Index['entries'][number]) =>
    platform !== undefined && formatPlatform(platform) === host;
  return [...entries.filter(isHosts), ...entries.filter((entry) => !isHosts(entry))];
}

function read(blobs: string, digest: string) {
  const content = readBounded(join(blobs, digest.replace(':', '/')));
  if (content === undefined || sha256(content) !== digest) return undefined;
  const document = parseDocument(content);
  return document.kind === 'refused' ? undefined : document;
}

function readBounded(path: string): Buffer | undefined {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const found = fstatSync(file);
      return found.isFile() && found.size <= MAX_DOCUMENT_BYTES ? readFileSync(file) : undefined;
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
}
