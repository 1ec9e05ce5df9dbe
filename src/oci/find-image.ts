import { parseName, repositoryOf } from '../image/name.ts';
import { choosePlatform, formatPlatform, type Platform } from '../image/platform.ts';
import type { ResolvedImage } from '../image/resolved.ts';
import { blobsOf, type Claims, type Document } from './document.ts';
import { damaged, type LayoutOwner } from './failure.ts';
import type { Entry } from './index-json.ts';

/** The manifests and indexes of a layout or an archive. */
export interface DocumentSource {
  readonly place: LayoutOwner;
  /** The place of a document in messages. */
  path(digest: string): string;
  /** @throws {LayoutError} */
  document(digest: string, claims?: Claims): Document;
}

/**
 * Finds the image of a full name among the entries of a layout, for a platform. The digest in a name may
 * be that of the manifest, or of the index that lists the manifest.
 *
 * @returns undefined if the layout does not have it.
 * @throws {LayoutError} for a damaged layout.
 */
export function findImage(
  blobs: DocumentSource,
  entries: readonly Entry[],
  name: string,
  platform: Platform,
): ResolvedImage | undefined {
  const wanted = parseName(name).digest;
  const ours = entries.filter((entry) => entry.repository === repositoryOf(name));
  const named = ours.filter((entry) =>
    wanted === undefined ? entry.name === name : [entry.digest, entry.index].includes(wanted),
  );
  const entry = choosePlatform(named, platform);
  if (entry === undefined) return undefined;
  const { digest, mediaType } = entry;
  const image = (top: string, manifest: string, listedAs?: string) =>
    describe(blobs, { name, platform, digest: top, manifest, listedAs });
  const top = blobs.document(digest, { mediaType });
  if (top.kind === 'index') {
    const inner = choosePlatform(top.entries, platform);
    return inner && image(digest, inner.digest, inner.mediaType);
  }
  const index = wanted === digest ? undefined : indexAround(wanted ? named : ours, digest);
  if (index === undefined) return image(digest, digest, mediaType);
  checkIndex(blobs, index, digest);
  return image(index, digest, mediaType);
}

/** The index for which a name of the manifest stands, if there is such a name. */
function indexAround(entries: readonly Entry[], manifest: string): string | undefined {
  return entries.find(({ digest, index }) => digest === manifest && index)?.index;
}

function checkIndex(blobs: DocumentSource, digest: string, manifest: string): void {
  const index = blobs.document(digest);
  if (index.kind === 'index' && index.entries.some((of) => of.digest === manifest)) return;
  throw damaged(blobs.place, blobs.path(digest), `an index that lists ${manifest}`, 'another one');
}

interface Found {
  readonly name: string;
  readonly platform: Platform;
  /** The digest that the name stands for: that of the manifest, or of an index around it. */
  readonly digest: string;
  readonly manifest: string;
  readonly listedAs: string | undefined;
}

function describe(blobs: DocumentSource, found: Found): ResolvedImage {
  const { name, platform, digest, manifest, listedAs } = found;
  const document = blobs.document(manifest, { listedAs });
  if (document.kind === 'index') {
    const expected = 'the manifest of an image';
    throw damaged(blobs.place, blobs.path(manifest), expected, 'another index');
  }
  return {
    name,
    digest,
    manifest,
    config: document.config.digest,
    platform: formatPlatform(platform),
    blobs: blobsOf(document),
  };
}
