import { closeSync, constants, existsSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode } from '../../../common/errors.ts';
import { sha256 } from '../../../image/digest.ts';
import { formatPlatform, hostPlatform } from '../../../image/platform.ts';
import { type Index, MAX_DOCUMENT_BYTES, parseDocument } from '../../../oci/document.ts';

/** The most digests that are remembered: more than any host has images. */
const MOST = 100_000;

/** What decides which image docker runs: of a manifest its config, of an index the manifests that it lists. */
type Known = { readonly config: string } | { readonly manifests: readonly string[] };

/** Manifests and indexes in containerd's content, each of which is read once: the bytes of a digest never change. */
export class KnownDocuments {
  readonly #known = new Map<string, Known>();
  #digests = 0;

  /** @returns undefined if there is no such file now, or none that can be read. */
  read(blobs: string, digest: string): Known | undefined {
    const path = join(blobs, digest.replace(':', '/'));
    const known = this.#known.get(digest);
    if (known !== undefined) return existsSync(path) ? known : undefined;
    const content = readBounded(path);
    if (content === undefined || sha256(content) !== digest) return undefined;
    const document = parseDocument(content);
    if (document.kind === 'refused') return undefined;
    const found =
      document.kind === 'index'
        ? { manifests: hostsFirst(document) }
        : { config: document.config.digest };
    this.#add(digest, found);
    return found;
  }

  #add(digest: string, known: Known): void {
    this.#digests += 'config' in known ? 1 : known.manifests.length;
    if (this.#digests > MOST) {
      this.#known.clear();
      this.#digests = 0;
    }
    this.#known.set(digest, known);
  }
}

/** The manifests for the host's platform before others, of which docker may have been made to pull one. */
function hostsFirst({ entries }: Index): readonly string[] {
  const host = formatPlatform(hostPlatform());
  const isHosts = ({ platform }: Index['entries'][number]) =>
    platform !== undefined && formatPlatform(platform) === host;
  const sorted = [...entries.filter(isHosts), ...entries.filter((entry) => !isHosts(entry))];
  return sorted.map(({ digest }) => digest);
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
