import { isNondistributable } from '../oci/media-types.ts';
import { ParsedDocuments } from '../oci/parsed-documents.ts';
import type { Access } from './access.ts';
import { Authorizations, type HostCredentials } from './auth/authorization.ts';
import { accessCredentials, credentialsFor } from './auth/credentials.ts';
import { BlobProgress } from './blob-progress.ts';
import type { RetryTimes } from './circuit-breaker.ts';
import { downloadBlob } from './download.ts';
import type { Endpoint } from './endpoint.ts';
import { RegistryError } from './errors.ts';
import { Exchange } from './exchange.ts';
import { Failover } from './failover.ts';
import { failure } from './failure.ts';
import type { Timeouts } from './http/body.ts';
import { Transport, type TransportOptions } from './http/transport.ts';
import { Limits } from './limits.ts';
import { fetchManifest } from './manifests/fetch-manifest.ts';
import { resolve } from './manifests/resolve.ts';
import { resolveAll } from './manifests/resolve-all.ts';
import { ResolvedNames } from './manifests/resolved-names.ts';
import { SeenManifests } from './manifests/seen-manifests.ts';
import type { PolicyFiles } from './policy/files.ts';
import { type FindSignatures, Permissions } from './policy/permissions.ts';
import { Permitted } from './policy/permitted.ts';
import type { RegistriesConf } from './registries-conf.ts';
import type { Registry } from './registry.ts';

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
  readonly limits?: Limits;
  /** What names meant in earlier runs; what they mean in this run is added. */
  readonly names?: ResolvedNames;
}

/** The distribution client: github.com/opencontainers/distribution-spec v1.1, "Pull". */
export function openRegistry(options: RegistryOptions): Registry {
  const { conf, credentials, policyFiles, retryTimes, limits = new Limits() } = options;
  const patienceOf = (registry: string) => limits.patienceOf(registry);
  const transport = new Transport({ ...options, patienceOf });
  const exchange = new Exchange(transport, new Authorizations(transport, credentials));
  const failover = new Failover(conf, retryTimes, limits);
  const seen = new SeenManifests();
  const documents = new ParsedDocuments();
  const findSignatures: FindSignatures = async (image, kinds, access, signal) => {
    const find = await import('./policy/find.ts');
    const endpoints = failover.endpointsForDigest(image.name, image.manifest, access);
    return find.findSignatures(image, endpoints, kinds, {
      exchange,
      registriesD: await policyFiles.registriesD(),
      readFile: (path) => policyFiles.signatureFile(path),
      access,
      signal,
      ask: (endpoint, work) => failover.ask(endpoint, work),
    });
  };
  const { names = new ResolvedNames(), permitted = new Permitted() } = options;
  const findEarlier = names.earlier();
  const permissions = new Permissions(policyFiles, findSignatures, permitted);
  return {
    permit: (image, access, options = {}) => permissions.permit(image, access, options),
    signatures: async (image, access, signal) => {
      const { allSignatures } = await import('./policy/all-signatures.ts');
      return allSignatures(findSignatures, image, access, signal);
    },
    foresee: async (name, judge) => permissions.foresee(name, judge),
    async resolve(name, platform, access, signal) {
      checkOptional(failover.endpointsOf(name, access), access);
      const asked = { exchange, failover, access, signal, seen, documents };
      const image = await resolve(name, platform, asked, findEarlier(name, platform));
      names.add(image);
      return image;
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
      const ask = async (at: Endpoint, isLast: boolean) =>
        fetchManifest(exchange, at, access, digest, { signal, mayLeave: !isLast });
      return (await failover.first(endpoints, { ask, signal, digest })).result;
    },
    async download(name, blob, access, into, watch = {}) {
      permissions.check(name, blob.digest, access);
      const { progress = new BlobProgress(), signal } = watch;
      // A blob that one endpoint has begun is continued by the next.
      const work = {
        ask: async (at: Endpoint, isLast: boolean) => {
          const received = (bytes: number) => limits.received(at.registry, bytes, signal);
          const target = { into, progress, received, signal, mayLeave: !isLast };
          return downloadBlob(exchange, at, access, blob, target);
        },
        signal,
        digest: blob.digest,
        mayGoOn: () => !progress.isEnded,
      };
      try {
        await failover.first(failover.endpointsForDigest(name, blob.digest, access), work);
      } catch (error) {
        const isElsewhere = isNondistributable(blob.mediaType) && error instanceof RegistryError;
        throw isElsewhere ? perhapsElsewhere(error) : error;
      }
    },
    credentials: (name, access) => credentialsFor(name, access, credentials),
    quickestReply: async (name, access) => {
      const replies = failover
        .endpointsOf(name, access)
        .map((endpoint) => exchange.quickestReply(endpoint));
      const known = replies.filter((reply) => reply !== undefined);
      return known.sort((a, b) => a - b)[0];
    },
    isLimited: async (name, access) =>
      failover.endpointsOf(name, access).some(({ registry }) => limits.isLimited(registry)),
    close: () => transport.close(),
  };
}

/**
 * @throws {RegistryError} `unauthorized` for credentials that are for none of the endpoints, if there is no
 *   sense in asking without them.
 */
function checkOptional(endpoints: readonly Endpoint[], access: Access): void {
  if (access.credentials?.kind !== 'auth-file' || access.credentials.isOptional !== true) return;
  const serves = ({ registry, repository }: Endpoint) =>
    accessCredentials(access, registry, repository) !== 'none';
  const [first] = endpoints;
  if (first === undefined || endpoints.some(serves)) return;
  throw failure('unauthorized', first, 'credentials in the auth.json of the root', 'none', {
    hint: `log in with \`podman login ${first.registry}\``,
  });
}

/** The error for a layer that the registry need not have, and that other clients fetch from any URL in its manifest. */
function perhapsElsewhere(error: RegistryError): RegistryError {
  if (error.code !== 'not-found') return error;
  const message = `${error.message}; it is a non-distributable layer, which berth fetches from registries alone`;
  return new RegistryError(error.code, message, {
    hint: 'push the image to a registry together with its non-distributable layers',
    cause: error.cause,
  });
}
