import type { EngineId } from '../common/engine-id.ts';
import { repositoryOf } from '../image/name.ts';
import { archivedImages } from '../oci/archive/archived-images.ts';
import { openShipped, type ShippedImages } from '../oci/local-images.ts';
import type { Root } from '../root/root.ts';
import type { EngineArchive } from './archives.ts';

/** The images that the root has for an engine; undefined if there are none. */
export type ImagesAtHand = (engine: EngineId) => ShippedImages | undefined;

/** The images that a root ships for berth, and then those in the archives that fill an engine. */
export function imagesAtHand(root: Root, archives: readonly EngineArchive[]): ImagesAtHand {
  const shipped = openShipped(root);
  const byEngine = Map.groupBy(archives, ({ engine }) => engine);
  const known = new Map(
    [...byEngine].map(([engine, own]) => [engine, together(shipped, archivesByName(root, own))]),
  );
  return (engine) => known.get(engine) ?? shipped;
}

/** The archives that have images of a repository. */
type Archives = ReadonlyMap<string, readonly ShippedImages[]>;

function archivesByName(root: Root, archives: readonly EngineArchive[]): Archives {
  const found = new Map<string, ShippedImages[]>();
  for (const { archive } of archives) {
    const images = archivedImages(root, archive);
    const names = archive.images.flatMap((image) => image.names);
    for (const repository of new Set(names.map(repositoryOf))) {
      const places = found.get(repository) ?? [];
      found.set(repository, places);
      places.push(images);
    }
  }
  return found;
}

/** Blobs are asked for only after their image was found, so the place of the image is remembered for them. */
function together(shipped: ShippedImages | undefined, archives: Archives): ShippedImages {
  const places = new Map<string, ShippedImages>();
  const placeOf = (digest: string): ShippedImages => {
    const images = places.get(digest);
    if (images === undefined) throw new RangeError(`${digest} was not found before`);
    return images;
  };
  return {
    find: (name, platform) => {
      const own = archives.get(repositoryOf(name)) ?? [];
      for (const images of shipped === undefined ? own : [shipped, ...own]) {
        const image = images.find(name, platform);
        if (image === undefined) continue;
        for (const digest of [image.digest, image.manifest, ...image.blobs.map((b) => b.digest)]) {
          if (!places.has(digest)) places.set(digest, images);
        }
        return image;
      }
      return undefined;
    },
    has: (digest) => places.get(digest)?.has(digest) === true,
    manifest: (digest) => placeOf(digest).manifest(digest),
    signatures: (manifest) => placeOf(manifest).signatures(manifest),
    read: (blob) => placeOf(blob.digest).read(blob),
  };
}
