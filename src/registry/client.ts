import { choosePlatform, formatPlatform, type Platform } from '../image/platform.ts';
import type { ResolvedImage } from '../image/resolved.ts';
import { Authorizations, type HostCredentials } from './authorization.ts';
import { BlobProgress } from './blob-progress.ts';
import type { Patience } from './body.ts';
import { downloadBlob } from './download.ts';
import { Exchange } from './exchange.ts';
import { failure } from './failure.ts';
import { fetchManifest } from './fetch-manifest.ts';
import { fetchDiffIds } from './image-config.ts';
import { type ManifestDocument, readManifest } from './manifest-document.ts';
import { Permissions } from './permissions.ts';
import { type Place, placeOf } from './place.ts';
import type { RegistriesConf } from './registries-conf.ts';
import type { Manifest, Registry, RegistryError } from './registry.ts';
import { resolveAll } from './resolve-all.ts';
import { Transport } from './transport.ts';
import type { TrustFiles } from './trust-files.ts';

export interface RegistryOptions {
  readonly conf: RegistriesConf;
  readonly credentials: HostCredentials;
  readonly trust: TrustFiles;
  /** `PATIENCE` unless it is said. */
  readonly patience?: Patience;
}

/** The distribution client: github.com/opencontainers/distribution-spec v1.1, "Pull". */
export function openRegistry({ conf, credentials, trust, patience }: RegistryOptions): Registry {
  const transport = new Transport(patience);
  const exchange = new Exchange(transport, new Authorizations(transport, credentials));
  const permissions = new Permissions(trust, async (image, access, signal) => {
    const place = placeOf(image.name, conf, access);
    const registriesD = await trust.registriesD();
    if (!registriesD.usesAttachments(place)) {
      return `${registriesD.path} does not say that signatures lie beside it`;
    }
    const { fetchAttachments } = await import('./sigstore/attachments.ts');
    return fetchAttachments(exchange, place, access, image.manifest, signal);
  });
  return {
    permit: (image, access, options = {}) => permissions.permit(image, access, options),
    async resolve(name, platform, access, signal) {
      const place = placeOf(name, conf, access);
      const top = await fetchManifest(exchange, place, access, place.reference, signal);
      const document = readManifest(place, top);
      if (document.kind === 'manifest') return describe(name, platform, top, top, document);
      const { digest } = entryFor(place, document, platform);
      const manifest = await fetchManifest(exchange, place, access, digest, signal);
      const inner = readManifest(place, manifest);
      if (inner.kind === 'manifest') return describe(name, platform, top, manifest, inner);
      throw failure('bad-reply', place, `a manifest at ${digest}`, 'one more index', {
        hint: 'push the image anew: an index of images must list manifests',
      });
    },
    async resolveAll(name, access, signal) {
      return resolveAll(exchange, placeOf(name, conf, access), access, signal);
    },
    async diffIds(image, access, signal) {
      return fetchDiffIds(exchange, placeOf(image.name, conf, access), access, image, signal);
    },
    async manifest(name, digest, access) {
      permissions.check(name, digest);
      return fetchManifest(exchange, placeOf(name, conf, access), access, digest);
    },
    async download(name, blob, access, into, watch = {}) {
      permissions.check(name, blob.digest);
      const { progress = new BlobProgress(), signal } = watch;
      const target = { into, progress, signal };
      await downloadBlob(exchange, placeOf(name, conf, access), access, blob, target);
    },
    close: () => transport.close(),
  };
}

type Index = Extract<ManifestDocument, { kind: 'index' }>;
type ImageManifest = Extract<ManifestDocument, { kind: 'manifest' }>;

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
  { config, layers }: ImageManifest,
): ResolvedImage {
  return {
    name,
    digest: top.digest,
    manifest: manifest.digest,
    config: config.digest,
    platform: formatPlatform(platform),
    blobs: [config, ...layers],
  };
}
