import { choosePlatform, formatPlatform, type Platform } from '../image/platform.ts';
import type { ResolvedImage } from '../image/resolved.ts';
import { blobsOf, type ImageManifest, type Index } from '../oci/document.ts';
import type { Manifest } from '../oci/manifest.ts';
import { Authorizations, type HostCredentials } from './auth/authorization.ts';
import { credentialsFor } from './auth/credentials.ts';
import { BlobProgress } from './blob-progress.ts';
import type { RetryTimes } from './circuit-breaker.ts';
import { downloadBlob } from './download.ts';
import type { Endpoint } from './endpoint.ts';
import type { RegistryError } from './errors.ts';
import { Exchange } from './exchange.ts';
import { Failover } from './failover.ts';
import { failure } from './failure.ts';
import { fetchManifest } from './fetch-manifest.ts';
import type { Timeouts } from './http/body.ts';
import { Transport, type TransportOptions } from './http/transport.ts';
import type { PolicyFiles } from './policy/files.ts';
import { Permissions } from './policy/permissions.ts';
import { Permitted } from './policy/permitted.ts';
import { readManifest } from './read-manifest.ts';
import type { RegistriesConf } from './registries-conf.ts';
import type { Registry } from './registry.ts';
import { resolveAll } from './resolve-all.ts';
import { SeenManifests } from './seen-manifests.ts';

export interface RegistryOptions extends TransportOptions {
  readonly conf: RegistriesConf;
  readonly credentials: HostCredentials;
  readonly policyFiles: PolicyFiles;
  /** By default `TIMEOUTS`. */
  readonly timeouts?: Timeouts;
  /** When registries told earlier runs to ask again; what this run is told is added. */
  readonly retryTimes?: RetryTimes;
  /** The images that earlier clients in this process have permitted. */
  readonly permitted?: Permitted;
}

/** The distribution client: github.com/opencontainers/distribution-spec v1.1, "Pull". */
export function openRegistry(options: RegistryOptions): Registry {
  const { conf, credentials, policyFiles, retryTimes } = options;
  const transport = new Transport(options);
  const exchange = new Exchange(transport, new Authorizations(transport, credentials));
  const failover = new Failover(conf, retryTimes);
  const seen = new SeenManifests();
  const permissions = new Permissions(
    policyFiles,
    async (image, access, signal) => {
      const { findSignatures } = await import('./policy/sigstore/find.ts');
      const endpoints = failover.endpointsForDigest(image.name, image.manifest, access);
      const fetching = { exchange, access, signal };
      const ask: Failover['ask'] = (endpoint, work) => failover.ask(endpoint, work);
      return findSignatures(image, endpoints, await policyFiles.registriesD(), {
        ...fetching,
        ask,
      });
    },
    options.permitted ?? new Permitted(),
  );
  return {
    permit: (image, access, options = {}) => permissions.permit(image, access, options),
    foresee: async (name, judge) => permissions.foresee(name, judge),
    async resolve(name, platform, access, signal) {
      const endpoints = failover.endpointsOf(name, access);
      const { endpoint, result: top } = await failover.first(endpoints, {
        ask: async (at) => fetchManifest(exchange, at, access, at.reference, signal),
        signal,
      });
      seen.add(top);
      const document = readManifest(endpoint, top);
      if (document.kind === 'manifest') return describe(name, platform, top, top, document);
      const { digest, mediaType } = entryFor(endpoint, document, platform);
      const { endpoint: from, result: manifest } = await failover.first(
        [endpoint, ...endpoints.filter((other) => other !== endpoint)],
        { ask: async (at) => fetchManifest(exchange, at, access, digest, signal), signal, digest },
      );
      seen.add(manifest);
      const inner = readManifest(from, manifest, mediaType);
      if (inner.kind === 'manifest') return describe(name, platform, top, manifest, inner);
      throw failure('bad-reply', from, `a manifest at ${digest}`, 'another index', {
        hint: 'push the image again: an index of images must list manifests',
      });
    },
    async resolveAll(name, access, signal) {
      const ask = async (at: Endpoint) => resolveAll(exchange, at, access, signal);
      return (await failover.first(failover.endpointsOf(name, access), { ask, signal })).result;
    },
    async manifest(name, digest, access, signal) {
      permissions.check(name, digest, access);
      const before = seen.get(digest);
      if (before !== undefined) return before;
      const endpoints = failover.endpointsForDigest(name, digest, access);
      const ask = async (at: Endpoint) => fetchManifest(exchange, at, access, digest, signal);
      return (await failover.first(endpoints, { ask, signal, digest })).result;
    },
    async download(name, blob, access, into, watch = {}) {
      permissions.check(name, blob.digest, access);
      const { progress = new BlobProgress(), signal } = watch;
      // A blob that one endpoint has begun is continued by the next.
      await failover.first(failover.endpointsForDigest(name, blob.digest, access), {
        ask: async (at, isLast) =>
          downloadBlob(exchange, at, access, blob, { into, progress, signal, mayLeave: !isLast }),
        signal,
        digest: blob.digest,
        mayGoOn: () => !progress.isEnded,
      });
    },
    credentials: (name, access) => credentialsFor(name, access, credentials),
    quickestReply: async (name, access) => {
      const replies = failover
        .endpointsOf(name, access)
        .map((endpoint) => exchange.quickestReply(endpoint));
      const known = replies.filter((reply) => reply !== undefined);
      return known.sort((a, b) => a - b)[0];
    },
    close: () => transport.close(),
  };
}

function entryFor(endpoint: Endpoint, { entries }: Index, platform: Platform) {
  const entry = choosePlatform(entries, platform);
  if (entry !== undefined) return entry;
  throw noPlatform(endpoint, entries, platform);
}

function noPlatform(
  endpoint: Endpoint,
  entries: Index['entries'],
  platform: Platform,
): RegistryError {
  const known = entries.flatMap((entry) => entry.platform ?? []).map(formatPlatform);
  const shown = [...new Set(known)].filter((text) => text !== 'unknown/unknown').slice(0, 10);
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
