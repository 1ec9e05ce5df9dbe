import { isDigest } from '../../image/digest.ts';
import {
  choosePlatform,
  formatPlatform,
  type Platform,
  parsePlatform,
} from '../../image/platform.ts';
import type { ResolvedImage } from '../../image/resolved.ts';
import { blobsOf, type Document, type ImageManifest, type Index } from '../../oci/document.ts';
import type { Manifest } from '../../oci/manifest.ts';
import type { ParsedDocuments } from '../../oci/parsed-documents.ts';
import type { Access } from '../access.ts';
import type { Endpoint } from '../endpoint.ts';
import type { RegistryError } from '../errors.ts';
import type { Exchange } from '../exchange.ts';
import type { Failover } from '../failover.ts';
import { failure, printable } from '../failure.ts';
import { askDigest, fetchManifest } from './fetch-manifest.ts';
import { readManifest } from './read-manifest.ts';
import type { SeenManifests } from './seen-manifests.ts';

/** How the endpoints of a name are asked. */
interface Asking {
  readonly exchange: Exchange;
  readonly failover: Failover;
  readonly access: Access;
  readonly signal: AbortSignal | undefined;
  /** Gets the documents that are fetched. */
  readonly seen: SeenManifests;
  /** The documents that were parsed for other names. */
  readonly documents: ParsedDocuments;
}

/**
 * Resolves what a full name means now, for one platform. An endpoint whose reply is no image for the platform
 * counts as one that failed: the next is asked.
 *
 * @param earlier what the name meant in an earlier run: while its digest is the same, it means the same.
 */
export async function resolve(
  name: string,
  platform: Platform,
  asking: Asking,
  earlier: ResolvedImage | undefined,
): Promise<ResolvedImage> {
  const { exchange, failover, access, signal, seen, documents } = asking;
  const endpoints = failover.endpointsOf(name, access);
  const { endpoint, result } = await failover.first(endpoints, {
    ask: async (at, isLast) => {
      const watch = { signal, mayLeave: !isLast };
      if (earlier !== undefined) {
        const digest = await askDigest(exchange, at, access, watch);
        if (digest === earlier.digest) return { earlier };
      }
      const top = await fetchManifest(exchange, at, access, at.reference, watch);
      return { top, choice: choiceIn(at, readManifest(at, top, undefined, documents), platform) };
    },
    signal,
  });
  if (result.earlier !== undefined) return result.earlier;
  const { top, choice } = result;
  seen.add(top);
  if (choice.kind === 'manifest') return describe(name, platform, top, top, choice);
  const others = endpoints.filter((other) => other !== endpoint);
  const { manifest, image } = await chosen(choice, [endpoint, ...others], asking);
  seen.add(manifest);
  return describe(name, platform, top, manifest, image);
}

/** Fetches the manifest of an entry. */
async function chosen(
  { digest, mediaType }: Index['entries'][number],
  endpoints: readonly Endpoint[],
  { exchange, failover, access, signal, documents }: Asking,
): Promise<{ readonly manifest: Manifest; readonly image: ImageManifest }> {
  const ask = async (at: Endpoint, isLast: boolean) => {
    const watch = { signal, mayLeave: !isLast };
    const manifest = await fetchManifest(exchange, at, access, digest, watch);
    const document = readManifest(at, manifest, mediaType, documents);
    return { manifest, image: imageIn(at, document, digest) };
  };
  return (await failover.first(endpoints, { ask, signal, digest })).result;
}

/** The image itself, or the entry of an index to fetch for the platform. */
function choiceIn(endpoint: Endpoint, document: Document, platform: Platform) {
  if (document.kind === 'manifest') return document;
  const entry = choosePlatform(document.listed, platform);
  if (entry === undefined) throw noPlatform(endpoint, document.listed, platform);
  if (isDigest(entry.digest)) return { kind: 'entry' as const, ...entry };
  const expected = `${endpoint.reference} for ${formatPlatform(platform)} by a digest of sha256`;
  throw failure('bad-reply', endpoint, expected, printable(JSON.stringify(entry.digest)), {
    hint: 'push the image again with sha256: berth can’t check other digests',
  });
}

function imageIn(endpoint: Endpoint, document: Document, digest: string): ImageManifest {
  if (document.kind === 'manifest') return document;
  throw failure('bad-reply', endpoint, `a manifest at ${digest}`, 'another index', {
    hint: 'push the image again: an index of images must list manifests',
  });
}

function noPlatform(
  endpoint: Endpoint,
  entries: Index['listed'],
  platform: Platform,
): RegistryError {
  const known = entries.flatMap((entry) => entry.platform ?? []).map(formatPlatform);
  const named = [...new Set(known)].filter((text) => parsePlatform(text) !== undefined);
  const shown = named.filter((text) => text !== 'unknown/unknown').slice(0, 10);
  const expected = `${endpoint.reference} for ${formatPlatform(platform)}`;
  const found = shown.length === 0 ? 'it for none' : `it for ${shown.join(', ')}`;
  return failure('no-platform', endpoint, expected, found, {
    hint: 'choose an image that is built for this platform, or set Arch=, OS= or Variant= in the unit',
  });
}

function describe(
  name: string,
  platform: Platform,
  top: Manifest,
  manifest: Manifest,
  document: ImageManifest,
): ResolvedImage {
  return {
    name,
    digest: top.digest,
    manifest: manifest.digest,
    config: document.config.digest,
    platform: formatPlatform(platform),
    blobs: blobsOf(document),
  };
}
