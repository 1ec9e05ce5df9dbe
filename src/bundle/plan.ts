import type { Binding } from '../binding/bindings.ts';
import type { LockedImage } from '../binding/lock.ts';
import { LOOKUPS_AT_A_TIME, type NameFailure, tryLimited } from '../common/limited.ts';
import { accessOf, type Source } from '../engine/source.ts';
import { parseName } from '../image/name.ts';
import { formatPlatform } from '../image/platform.ts';
import type { Blob, ResolvedImage } from '../image/resolved.ts';
import type { Context } from '../lifecycle/context.ts';
import { lookUp } from '../lifecycle/look-up.ts';
import { signaturesOf } from '../lifecycle/ship/signatures.ts';
import type { Manifest } from '../oci/manifest.ts';
import { readManifest } from '../registry/manifests/read-manifest.ts';
import { platformInConfig, platformsOf } from '../registry/manifests/resolve-all.ts';
import type { Registry } from '../registry/registry.ts';
import { downloaded } from '../registry/stream.ts';
import { BundleError } from './failure.ts';
import { byDigest, MAX_ALL_SIGNATURES_BYTES, MAX_DOCUMENT, MAX_DOCUMENTS } from './format.ts';

/** The planned contents of a bundle. */
export interface BundlePlan {
  readonly images: readonly BundledImage[];
  readonly failures: readonly NameFailure[];
  /** Manifests, indexes and configs, sorted by digest. */
  readonly documents: readonly Manifest[];
  /** Sorted by digest. */
  readonly layers: readonly BundledLayer[];
  /** Layers that the site already has, sorted by digest. */
  readonly omitted: readonly Blob[];
  /** The size of all blobs in the bundle. */
  readonly bytes: number;
}

export interface BundledImage {
  readonly image: ResolvedImage;
  /** The image's entry in the lock, as `berth lock` would write it. */
  readonly locked: LockedImage;
  readonly manifest: Manifest;
  /** The signatures that were found, as files. */
  readonly signatures: readonly Buffer[];
}

/** A layer, and the access for fetching it. */
export interface BundledLayer extends Blob {
  readonly name: string;
  readonly source: Source;
}

/**
 * Resolves each name once and fetches everything but the layers.
 *
 * @param present the digests of the layers that the site already has.
 * @throws {BundleError} `bundle-too-large`
 */
export async function planBundle(
  { signal, report }: Pick<Context, 'signal' | 'report'>,
  registry: Registry,
  bindings: readonly Binding[],
  present: ReadonlySet<string>,
): Promise<BundlePlan> {
  const documents = new Map<string, Manifest>();
  let held = 0;
  let signed = 0;
  const hold = (document: Manifest) => {
    if (documents.has(document.digest)) return;
    held += document.content.length;
    if (held > MAX_DOCUMENTS) throw tooLarge();
    documents.set(document.digest, document);
  };
  const layers = new Map<string, BundledLayer>();
  const work = async (binding: Binding): Promise<BundledImage> => {
    const { image, source } = await lookUp({ signal }, registry, binding);
    const from = { name: image.name, source };
    const signatures = await signaturesOf({ signal, report }, registry, image, source);
    const beside = () => signatures;
    await registry.permit(image, accessOf(source), { signal, beside });
    const described = await describe(registry, binding, image, from, signal);
    report({ event: 'resolved', name: image.name, digest: image.digest });
    for (const document of described.documents) hold(document);
    for (const layer of image.blobs.slice(1)) layers.set(layer.digest, { ...layer, ...from });
    signed += signatures.reduce((sum, { length }) => sum + length, 0);
    if (signed > MAX_ALL_SIGNATURES_BYTES) throw tooManySignatures();
    return { ...described.bundled, signatures };
  };
  const { results, failures } = await tryLimited(bindings, LOOKUPS_AT_A_TIME, signal, work);
  const whole = failures.find(({ error }) => error.code === 'bundle-too-large');
  if (whole !== undefined) throw whole.error;
  const all = byDigest(layers.values());
  const kept = all.filter(({ digest }) => !present.has(digest));
  return {
    images: results.toSorted((a, b) => (a.image.name < b.image.name ? -1 : 1)),
    failures,
    documents: byDigest(documents.values()),
    layers: kept,
    omitted: all.filter(({ digest }) => present.has(digest)),
    bytes: kept.reduce((sum, { size }) => sum + size, held),
  };
}

type From = Pick<BundledLayer, 'name' | 'source'>;

async function describe(
  registry: Registry,
  { platform }: Binding,
  image: ResolvedImage,
  from: From,
  signal: AbortSignal,
): Promise<{ bundled: Omit<BundledImage, 'signatures'>; documents: readonly Manifest[] }> {
  const manifest = await manifestOf(registry, from, image.manifest, signal);
  const config = await configOf(registry, from, image, signal);
  if (image.digest === image.manifest) {
    const own = platformInConfig(config.content) ?? formatPlatform(platform);
    const locked = { digest: image.digest, platforms: new Map([[own, image.manifest]]) };
    return { bundled: { image, locked, manifest }, documents: [manifest, config] };
  }
  const index = await manifestOf(registry, from, image.digest, signal);
  const { registry: host, repository } = parseName(image.name);
  const place = { registry: host, repository, reference: image.digest };
  const document = readManifest(place, index);
  const platforms =
    document.kind === 'index' ? platformsOf(place, document) : new Map<string, string>();
  const locked = { digest: image.digest, platforms };
  return { bundled: { image, locked, manifest }, documents: [manifest, config, index] };
}

async function manifestOf(
  registry: Registry,
  { name, source }: From,
  digest: string,
  signal: AbortSignal,
): Promise<Manifest> {
  if (source.from === 'layout') return source.images.manifest(digest);
  return registry.manifest(name, digest, source.access, signal);
}

async function configOf(
  registry: Registry,
  { name, source }: From,
  image: ResolvedImage,
  signal: AbortSignal,
): Promise<Manifest> {
  const [config] = image.blobs;
  if (config?.digest !== image.config || config.size > MAX_DOCUMENT) throw tooLarge();
  const bytes =
    source.from === 'layout'
      ? source.images.read(config)
      : downloaded(registry, name, config, source.access, signal);
  const chunks: Buffer[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  const content = Buffer.concat(chunks);
  return { mediaType: config.mediaType, digest: config.digest, content };
}

function tooManySignatures(): BundleError {
  return new BundleError(
    'bundle-too-large',
    `expected signatures of at most ${MAX_ALL_SIGNATURES_BYTES} bytes in all, found more`,
    { hint: 'see who signs these images so often, or make several smaller bundles' },
  );
}

function tooLarge(): BundleError {
  return new BundleError(
    'bundle-too-large',
    `expected manifests, indexes and configs of at most ${MAX_DOCUMENTS} bytes in all, and ${MAX_DOCUMENT} each, found more`,
    { hint: 'make several smaller bundles: `berth bundle --bind` selects what goes into one' },
  );
}
