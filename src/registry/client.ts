import { choosePlatform, formatPlatform, type Platform } from '../image/platform.ts';
import type { ResolvedImage } from '../image/resolved.ts';
import { blobsOf, type ImageManifest, type Index } from '../oci/document.ts';
import type { Manifest } from '../oci/manifest.ts';
import { Authorizations, type HostCredentials } from './auth/authorization.ts';
import { BlobProgress } from './blob-progress.ts';
import type { RetryTimes } from './circuit-breaker.ts';
import { downloadBlob } from './download.ts';
import type { Place } from './endpoint.ts';
import type { RegistryError } from './errors.ts';
import { Exchange } from './exchange.ts';
import { Failover } from './failover.ts';
import { failure } from './failure.ts';
import { fetchManifest } from './fetch-manifest.ts';
import type { Patience } from './http/body.ts';
import { Transport, type TransportOptions } from './http/transport.ts';
import type { TrustFiles } from './policy/files.ts';
import { Permissions } from './policy/permissions.ts';
import { readManifest } from './read-manifest.ts';
import type { RegistriesConf } from './registries-conf.ts';
import type { Registry } from './registry.ts';
import { resolveAll } from './resolve-all.ts';
import { SeenManifests } from './seen-manifests.ts';

export interface RegistryOptions extends TransportOptions {
  readonly conf: RegistriesConf;
  readonly credentials: HostCredentials;
  readonly trust: TrustFiles;
  /** `PATIENCE` unless it is said. */
  readonly patience?: Patience;
  /** What earlier runs were told; what this one is told is added. */
  readonly retryTimes?: RetryTimes;
}

/** The distribution client: github.com/opencontainers/distribution-spec v1.1, "Pull". */
export function openRegistry(options: RegistryOptions): Registry {
  const { conf, credentials, trust, retryTimes } = options;
  const transport = new Transport(options);
  const exchange = new Exchange(transport, new Authorizations(transport, credentials));
  const failover = new Failover(conf, retryTimes);
  const seen = new SeenManifests();
  const permissions = new Permissions(trust, async (image, access, signal) => {
    const { findSignatures } = await import('./policy/sigstore/find.ts');
    const places = failover.placesOfDigest(image.name, image.manifest, access);
    const fetching = { exchange, access, signal };
    const ask: Failover['ask'] = (place, work) => failover.ask(place, work);
    return findSignatures(image, places, await trust.registriesD(), { ...fetching, ask });
  });
  return {
    permit: (image, access, options = {}) => permissions.permit(image, access, options),
    foresee: async (name, judge) => permissions.foresee(name, judge),
    async resolve(name, platform, access, signal) {
      const places = failover.placesOf(name, access);
      const { place, result: top } = await failover.first(places, {
        ask: async (at) => fetchManifest(exchange, at, access, at.reference, signal),
        signal,
      });
      seen.add(top);
      const document = readManifest(place, top);
      if (document.kind === 'manifest') return describe(name, platform, top, top, document);
      const { digest, mediaType } = entryFor(place, document, platform);
      const { place: from, result: manifest } = await failover.first(
        [place, ...places.filter((other) => other !== place)],
        { ask: async (at) => fetchManifest(exchange, at, access, digest, signal), signal, digest },
      );
      seen.add(manifest);
      const inner = readManifest(from, manifest, mediaType);
      if (inner.kind === 'manifest') return describe(name, platform, top, manifest, inner);
      throw failure('bad-reply', from, `a manifest at ${digest}`, 'one more index', {
        hint: 'push the image anew: an index of images must list manifests',
      });
    },
    async resolveAll(name, access, signal) {
      const ask = async (at: Place) => resolveAll(exchange, at, access, signal);
      return (await failover.first(failover.placesOf(name, access), { ask, signal })).result;
    },
    async manifest(name, digest, access, signal) {
      permissions.check(name, digest);
      const before = seen.get(digest);
      if (before !== undefined) return before;
      const places = failover.placesOfDigest(name, digest, access);
      const ask = async (at: Place) => fetchManifest(exchange, at, access, digest, signal);
      return (await failover.first(places, { ask, signal, digest })).result;
    },
    async download(name, blob, access, into, watch = {}) {
      permissions.check(name, blob.digest);
      const { progress = new BlobProgress(), signal } = watch;
      // What came from one place goes on at the next.
      await failover.first(failover.placesOfDigest(name, blob.digest, access), {
        ask: async (at, isLast) =>
          downloadBlob(exchange, at, access, blob, { into, progress, signal, mayLeave: !isLast }),
        signal,
        digest: blob.digest,
        mayGoOn: () => !progress.isEnded,
      });
    },
    quickestReply: async (name, access) => {
      const replies = failover.placesOf(name, access).map((place) => exchange.quickestReply(place));
      const known = replies.filter((reply) => reply !== undefined);
      return known.sort((a, b) => a - b)[0];
    },
    close: () => transport.close(),
  };
}

function entryFor(place: Place, { entries }: Index, platform: Platform) {
  const entry = choosePlatform(entries, platform);
  if (entry !== undefined) return entry;
  throw noPlatform(place, entries, platform);
}

function noPlatform(place: Place, entries: Index['entries'], platform: Platform): RegistryError {
  const known = entries.flatMap((entry) => entry.platform ?? []).map(formatPlatform);
  const shown = [...new Set(known)].filter((text) => text !== 'unknown/unknown').slice(0, 10);
  const expected = `${place.reference} for ${formatPlatform(platform)}`;
  const found = shown.length === 0 ? 'it for none' : `it for ${shown.join(', ')}`;
  return failure('no-platform', place, expected, found, {
    hint: 'choose an image that is built for this platform, or say Arch=, OS= or Variant= in the unit',
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
