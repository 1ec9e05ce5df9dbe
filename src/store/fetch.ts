import { withLock } from '../common/process-lock.ts';
import { EngineError } from '../engine/errors.ts';
import { type FetchWatch } from '../engine/fetch-watch.ts';
import { accessOf, type Source, signaturesBeside } from '../engine/source.ts';
import { sha256 } from '../image/digest.ts';
import { parseName } from '../image/name.ts';
import { parsePlatform } from '../image/platform.ts';
import { type Blob, distinctBlobs, type ResolvedImage } from '../image/resolved.ts';
import { MAX_DOCUMENT_BYTES } from '../oci/document.ts';
import { syncDirectory, writeAll, writeAtomically } from './file.ts';
import {
  changeIndex,
  type Descriptor,
  type Index,
  isFetched,
  named,
  withDescriptor,
} from './index-file.ts';
import { blobPath } from './layout.ts';
import { namesOf } from './loaded-entry.ts';
import { makeLayout } from './make-layout.ts';
import { parseManifest, type StoredManifest, storedBytes } from './manifest.ts';
import type { Store } from './opened.ts';
import { keepSignatures, storedSignatures } from './signatures.ts';

/**
 * Fetches the image and names it `repository@digest`. The name is written last, so that every named image
 * is whole even if this is killed; what arrived before is kept for the next try.
 */
export async function fetchImage(
  store: Store,
  image: ResolvedImage,
  source: Source,
  watch: FetchWatch,
): Promise<void> {
  const options = watch.signal === undefined ? {} : { signal: watch.signal };
  const signatures = await permit(store, image, source, watch.signal);
  await makeLayout(store.layout);
  await store.clearOnce();
  const work = async () => {
    const manifest = await bringDocuments(store, image, source, watch.signal);
    await bringBlobs(store, image.name, image.blobs, source, watch);
    await syncDirectory(store.layout.blobs);
    await keepSignatures(store.layout, image.manifest, signatures);
    const { registry, repository } = parseName(image.name);
    const name = `${registry}/${repository}@${image.digest}`;
    const top = image.digest === image.manifest ? undefined : image.digest;
    const change = (index: Index) => {
      // An image that somebody else stored remains theirs under an additional name.
      const fetched = namesOf(index, image.manifest).every(isFetched);
      const descriptor = named(describe(image, manifest), name, { index: top, fetched });
      return withDescriptor(index, descriptor);
    };
    await changeIndex(store.layout, change, watch.signal);
  };
  await withLock(store.layout.inUse, 'shared', work, options);
}

/**
 * Lets an image into the store, by signatures that are at hand if these are enough.
 *
 * @returns the signatures, for the image to keep.
 * @throws {RegistryError} as `Registry.permit`.
 */
export async function permit(
  { layout, registry }: Store,
  image: ResolvedImage,
  source: Source,
  signal: AbortSignal | undefined,
): Promise<readonly Buffer[]> {
  return registry.permit(image, accessOf(source), {
    signal,
    beside: () => [...signaturesBeside(source, image), ...storedSignatures(layout, image.manifest)],
  });
}

/**
 * Fetches the manifest, and the index that lists it.
 *
 * @returns the manifest.
 */
export async function bringDocuments(
  store: Store,
  image: ResolvedImage,
  source: Source,
  signal: AbortSignal | undefined,
): Promise<StoredManifest> {
  const manifest = await bringManifest(store, image, image.manifest, source, signal);
  checkManifest(image, manifest);
  if (image.digest !== image.manifest) {
    checkIndex(image, await bringManifest(store, image, image.digest, source, signal));
  }
  return manifest;
}

async function bringManifest(
  store: Store,
  image: ResolvedImage,
  digest: string,
  source: Source,
  signal: AbortSignal | undefined,
): Promise<StoredManifest> {
  const manifest = await store.documents.run(0, async () => {
    const fetch = () => fetchDocument(store, image, digest, source, signal);
    return parseManifest(await storedOrFetched(store, digest, fetch));
  });
  if (manifest === undefined) throw unexpected(image, digest, 'neither a manifest nor an index');
  return manifest;
}

/**
 * A stored document, or else a fetched one. A document that another image or engine of this process is
 * fetching is waited for; if that fails, its failure is reported there, and the document is fetched again
 * here.
 */
async function storedOrFetched(
  { layout, documentsUnderWay }: Store,
  digest: string,
  fetch: () => Promise<Buffer>,
): Promise<Buffer> {
  for (;;) {
    const content = storedBytes(layout, digest);
    if (content !== undefined) return content;
    const other = documentsUnderWay.get(digest);
    if (other === undefined) break;
    await other;
  }
  // Nothing may be awaited between the look above and this, or two would fetch it.
  const ended = Promise.withResolvers<void>();
  documentsUnderWay.set(digest, ended.promise);
  try {
    return await fetch();
  } finally {
    documentsUnderWay.delete(digest);
    ended.resolve();
  }
}

async function fetchDocument(
  { layout, registry }: Store,
  image: ResolvedImage,
  digest: string,
  source: Source,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const { content } =
    source.from === 'layout'
      ? source.images.manifest(digest)
      : await registry.manifest(image.name, digest, source.access, signal);
  if (content.length > MAX_DOCUMENT_BYTES || sha256(content) !== digest) {
    throw unexpected(image, digest, `${content.length} bytes that hash to ${sha256(content)}`);
  }
  const path = blobPath(layout, digest);
  await writeAtomically(layout, path, (file) => writeAll(file, content, path));
  return content;
}

/** The stored manifest must be the planned one, for which space was checked and whose size was shown. */
function checkManifest(image: ResolvedImage, manifest: StoredManifest): void {
  const list = (blobs: ResolvedImage['blobs']) => blobs.map((b) => `${b.digest} ${b.size}`).join();
  const isPlanned =
    manifest.blobs[0]?.digest === image.config && list(manifest.blobs) === list(image.blobs);
  if (!isPlanned) throw unexpected(image, image.manifest, 'other blobs than planned');
}

function checkIndex(image: ResolvedImage, index: StoredManifest): void {
  if (index.manifests.includes(image.manifest)) return;
  throw unexpected(image, image.digest, `no index that lists ${image.manifest}`);
}

/** Fetches all blobs at once, as far as downloads have places; the first failure ends the others. */
export async function bringBlobs(
  store: Store,
  name: string,
  blobs: readonly Blob[],
  source: Source,
  watch: FetchWatch,
): Promise<void> {
  const failure = new AbortController();
  const signals = watch.signal === undefined ? [] : [watch.signal];
  const signal = AbortSignal.any([...signals, failure.signal]);
  let here = 0;
  const onBytes = (bytes: number) => {
    here += bytes;
    watch.onBytes?.(here);
  };
  const one = async (blob: Blob) => {
    try {
      await store.downloads.bring(name, blob, source, { signal, onBytes });
    } catch (error) {
      failure.abort(error);
    }
  };
  await Promise.all(distinctBlobs(blobs).map(one));
  watch.signal?.throwIfAborted();
  failure.signal.throwIfAborted();
}

function describe(image: ResolvedImage, manifest: StoredManifest): Descriptor {
  const platform = parsePlatform(image.platform);
  return {
    mediaType: manifest.mediaType,
    digest: image.manifest,
    size: manifest.size,
    ...(platform === undefined ? {} : { platform: { ...platform } }),
  };
}

function unexpected(image: ResolvedImage, digest: string, found: string): EngineError {
  return new EngineError(
    'engine-reply',
    `expected the content of ${digest} for ${image.name}, found ${found}`,
    { hint: 'plan again; if this persists, the registry serves wrong content' },
  );
}
