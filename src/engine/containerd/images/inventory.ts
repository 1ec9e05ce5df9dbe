import { mapLimited } from '../../../common/limited.ts';
import { chainOf } from '../../../image/chain.ts';
import type { Blob } from '../../../image/resolved.ts';
import { OCI_MANIFEST } from '../../../oci/media-types.ts';
import type { Containerd } from '../api/containerd.ts';
import { listContent, type Stored } from '../api/content.ts';
import { listNames, type Name, type Target } from '../api/names.ts';
import { listSnapshots, type Snapshot } from '../api/snapshots.ts';
import type { Documents } from './documents.ts';

/** Everything in a namespace at one moment. */
export interface Inventory {
  readonly names: readonly Name[];
  readonly content: ReadonlyMap<string, Stored>;
  readonly snapshots: ReadonlyMap<string, Snapshot>;
  /** The whole images, by id. */
  readonly images: ReadonlyMap<string, Found>;
}

/** An image that is present and whole. */
export interface Found {
  /** The digest of the config, as the CRI calls the image. */
  readonly id: string;
  /** The indexes and manifests by which the image can be named. */
  readonly targets: readonly Target[];
  readonly manifest: string;
  /** The config, then the layers that the manifest's labels, or else the manifest itself, list. */
  readonly blobs: readonly Blob[];
  readonly names: readonly Name[];
  /** The names of the snapshots of the layers, from the base up. */
  readonly chain: readonly string[];
}

/** How many documents are read at a time. They are small, so most of the time is the socket's latency. */
const READ_AT_A_TIME = 16;

/**
 * Lists everything in the namespace, and finds the images in it.
 *
 * @param held the digests of indexes and manifests that may be there without a name.
 */
export async function takeInventory(
  containerd: Containerd,
  documents: Documents,
  held: readonly string[],
): Promise<Inventory> {
  const [names, content, snapshots] = await Promise.all([
    listNames(containerd),
    listContent(containerd),
    listSnapshots(containerd),
  ]);
  const stores = { content, snapshots, snapshotter: containerd.snapshotter };
  const byDigest = Map.groupBy(names, ({ target }) => target.digest);
  const digests = [...new Set([...byDigest.keys(), ...held])].filter((one) => content.has(one));
  const found = await mapLimited(digests, READ_AT_A_TIME, (digest) =>
    imagesOf(documents, stores, digest, byDigest.get(digest) ?? []),
  );
  return { names, content, snapshots, images: merged(found.flat()) };
}

interface Stores extends Pick<Inventory, 'content' | 'snapshots'> {
  readonly snapshotter: string;
}

/** The whole images of an index or manifest; an index may have an image for each of several platforms. */
async function imagesOf(
  documents: Documents,
  stores: Stores,
  digest: string,
  names: readonly Name[],
): Promise<readonly Found[]> {
  const manifests = await manifestsOf(documents, stores, digest);
  const images: Found[] = [];
  for (const manifest of new Set(manifests)) {
    const image = unpackedImage(stores, manifest) ?? (await imageOf(documents, stores, manifest));
    if (image === undefined) continue;
    const target = names[0]?.target ?? (await targetOf(documents, stores, digest));
    images.push({ ...image, targets: [target], names });
  }
  return images;
}

/** The manifests that a document stands for: a manifest itself, or those that an index protects or lists. */
async function manifestsOf(
  documents: Documents,
  { content }: Stores,
  digest: string,
): Promise<readonly string[]> {
  const { manifests = [], config } = content.get(digest)?.references ?? {};
  if (config !== undefined) return [digest];
  if (manifests.length > 0) return manifests;
  const document = await documents.document(digest);
  if (document === undefined) return [];
  return document.kind === 'manifest' ? [digest] : document.manifests;
}

async function targetOf(
  documents: Documents,
  { content }: Stores,
  digest: string,
): Promise<Target> {
  const document = await documents.document(digest);
  const mediaType = document?.mediaType || OCI_MANIFEST;
  return { mediaType, digest, size: content.get(digest)?.size ?? 0 };
}

/**
 * An unpacked image, found by the labels of its documents, without reading any of them.
 *
 * @returns undefined if the labels do not lead to a whole image.
 */
function unpackedImage(
  { content, snapshots, snapshotter }: Stores,
  manifest: string,
): Omit<Found, 'targets' | 'names'> | undefined {
  const { config = '', layers = [] } = content.get(manifest)?.references ?? {};
  const top = content.get(config)?.references?.snapshots.get(snapshotter) ?? '';
  if (snapshots.get(top)?.committed !== true) return undefined;
  const blobs = [config, ...layers].map((digest) => ({
    mediaType: '',
    digest,
    size: content.get(digest)?.size ?? 0,
  }));
  return { id: config, manifest, blobs, chain: chainBelow(snapshots, top) };
}

/** A snapshot and those below it, the lowest first. */
function chainBelow(snapshots: Stores['snapshots'], top: string): readonly string[] {
  const chain: string[] = [];
  for (let name = top; name !== '' && !chain.includes(name); ) {
    chain.unshift(name);
    name = snapshots.get(name)?.parent ?? '';
  }
  return chain;
}

/** @returns undefined if a part of the image is missing. */
async function imageOf(
  documents: Documents,
  { content, snapshots }: Stores,
  manifest: string,
): Promise<Omit<Found, 'targets' | 'names'> | undefined> {
  if (!content.has(manifest)) return undefined;
  const document = await documents.document(manifest);
  if (document?.kind !== 'manifest' || !content.has(document.config.digest)) return undefined;
  const { config, layers } = document;
  const diffIds = await documents.diffIds(config.digest);
  if (diffIds === undefined) return undefined;
  const chain = chainOf(diffIds);
  // An unpacked image needs no blobs of layers, and nodes may be configured to drop them.
  const isUnpacked = snapshots.get(chain.at(-1) ?? '')?.committed === true;
  if (!isUnpacked && !layers.every(({ digest }) => content.has(digest))) return undefined;
  return { id: config.digest, manifest, blobs: [config, ...layers], chain };
}

/** The images by id, each once, with every name and every index or manifest that leads to the image. */
function merged(found: readonly Found[]): ReadonlyMap<string, Found> {
  const images = new Map<string, Found>();
  for (const image of found) {
    const before = images.get(image.id);
    images.set(image.id, {
      ...(before ?? image),
      targets: [...(before?.targets ?? []), ...image.targets],
      names: [...(before?.names ?? []), ...image.names],
    });
  }
  return images;
}
