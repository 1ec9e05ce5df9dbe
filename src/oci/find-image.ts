import { onceFor } from '../common/once-for.ts';
import { parseName, repositoryOf } from '../image/name.ts';
import { choosePlatform, formatPlatform, type Platform } from '../image/platform.ts';
import type { ResolvedImage } from '../image/resolved.ts';
import { blobsOf, type Claims, chooseEntry, type Document } from './document.ts';
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
  const index = indexOf(entries);
  const entry = index.entry(name, wanted, platform);
  if (entry === undefined) return undefined;
  const { digest, mediaType } = entry;
  const image = (top: string, manifest: string, listedAs?: string) =>
    describe(blobs, { name, platform, digest: top, manifest, listedAs });
  const top = blobs.document(digest, { mediaType });
  if (top.kind === 'index') {
    const inner = chooseEntry(top, platform);
    return inner && image(digest, inner.digest, inner.mediaType);
  }
  const around = wanted === digest ? undefined : (wanted ?? index.around(entry));
  if (around === undefined) return image(digest, digest, mediaType);
  checkIndex(blobs, around, digest);
  return image(around, digest, mediaType);
}

/** The entries of a layout by name and digest: a layout can have a hundred thousand names, and each is looked up. */
const indexOf = onceFor((entries: readonly Entry[]) => {
  const byName = Map.groupBy(entries, ({ name }) => name);
  const byDigest = new Map<string, Entry[]>();
  const indexes = new Map<string, string>();
  for (const entry of entries) {
    const { repository, digest, index } = entry;
    for (const one of new Set([digest, index ?? digest])) {
      const key = `${repository}@${one}`;
      const known = byDigest.get(key);
      if (known === undefined) byDigest.set(key, [entry]);
      else known.push(entry);
    }
    const key = `${repository}@${digest}`;
    if (index !== undefined && !indexes.has(key)) indexes.set(key, index);
  }
  const chosen = new Map<string, Entry | undefined>();
  return {
    /** The entry that a name means. All names with one digest in a repository mean the same. */
    entry(name: string, digest: string | undefined, platform: Platform): Entry | undefined {
      const meant = digest === undefined ? name : `${repositoryOf(name)}@${digest}`;
      const key = `${formatPlatform(platform)} ${meant}`;
      if (!chosen.has(key)) {
        const named = (digest === undefined ? byName : byDigest).get(meant) ?? [];
        chosen.set(key, choosePlatform(named, platform));
      }
      return chosen.get(key);
    },
    /** The index for which a name of the manifest stands, if there is such a name. */
    around: ({ repository, digest }: Entry) => indexes.get(`${repository}@${digest}`),
  };
});

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
