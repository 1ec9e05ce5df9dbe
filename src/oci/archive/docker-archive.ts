import * as v from 'valibot';
import { checkBy } from '../../common/check-by.ts';
import { isDigest, sha256 } from '../../image/digest.ts';
import { dockerShortNames } from '../../image/short-names.ts';
import type { Root, View } from '../../root/root.ts';
import { damaged } from '../failure.ts';
import { parseStrictJson } from '../strict-json.ts';
import {
  ARCHIVE,
  type Archive,
  type ArchivedImage,
  MAX_DOCUMENTS_BYTES,
  MAX_IMAGES,
  namesIn,
  type Place,
} from './archive.ts';
import { bytesAt, mostBytes } from './file-bytes.ts';
import type { Files, StoredFile } from './files.ts';
import { packingOf } from './packing.ts';

/** `manifest.json`: moby, image/spec/v1.2.md, "Combined Image JSON + Filesystem Changeset Format". */
const ItemsSchema = v.array(
  v.looseObject({
    Config: v.string(),
    RepoTags: v.nullish(v.array(v.string())),
    Layers: v.nullish(v.array(v.string())),
  }),
);

type Item = v.InferOutput<typeof ItemsSchema>[number];

const ConfigSchema = v.looseObject({
  rootfs: v.looseObject({
    diff_ids: v.nullish(v.array(v.pipe(v.string(), v.check(isDigest, 'expected a digest')))),
  }),
});

/** The most layers that the images of an archive may have together: a thousand images with fifty layers each. */
const MAX_LAYERS = 50_000;

const MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';

/**
 * The images of an archive as `docker save` and `podman save` write it. The manifests are those that podman
 * makes when it loads the archive (github.com/containers/image, docker/internal/tarfile/src.go), so the
 * digests are the same.
 *
 * @throws {LayoutError}
 */
export async function dockerImages(
  root: Root,
  view: View,
  files: Files,
): Promise<Omit<Archive, 'path' | 'view'>> {
  const items = parsed(files, 'manifest.json', ItemsSchema, documentOf(files, 'manifest.json'));
  assertFew(files, items);
  const configs = configsOf(files, items);
  const documents = new Map<string, Buffer>();
  const places = new Map<string, Place>();
  const sizes = contentSizes(root, view);
  const images: ArchivedImage[] = [];
  for (const [index, item] of items.entries()) {
    const layers = layersOf(files, item, configs[index] ?? Buffer.alloc(0));
    const manifest = await manifestOf(layers, sizes);
    const digest = sha256(manifest);
    documents.set(digest, manifest);
    for (const { blob, place } of layers) places.set(blob, place);
    const names = namesIn(item.RepoTags ?? [], dockerShortNames);
    images.push({ digest, mediaType: MANIFEST, names });
  }
  return { images, documents, places };
}

function assertFew(files: Files, items: readonly Item[]): void {
  const count = (of: (item: Item) => number) => items.reduce((sum, item) => sum + of(item), 0);
  const limits: readonly (readonly [number, number, string])[] = [
    [items.length, MAX_IMAGES, 'images'],
    [count(({ RepoTags }) => RepoTags?.length ?? 0), MAX_IMAGES, 'names'],
    [count(({ Layers }) => Layers?.length ?? 0), MAX_LAYERS, 'layers'],
  ];
  for (const [number, most, what] of limits) {
    if (number <= most) continue;
    throw damaged(ARCHIVE, files.called('manifest.json'), `at most ${most} ${what}`, `${number}`);
  }
}

function configsOf(files: Files, items: readonly Item[]): readonly Buffer[] {
  const configs = items.map(({ Config }) => documentOf(files, Config));
  if (configs.reduce((sum, { length }) => sum + length, 0) <= MAX_DOCUMENTS_BYTES) return configs;
  const most = `at most ${MAX_DOCUMENTS_BYTES} bytes of configs`;
  throw damaged(ARCHIVE, files.called('manifest.json'), most, 'more');
}

/** A blob of an image: its config first, then its layers. */
interface Part {
  readonly blob: string;
  readonly place: Place;
}

/** The layers of an archive may be compressed; their digests are those of the content. */
function layersOf(files: Files, { Config: name, Layers }: Item, content: Buffer): readonly Part[] {
  const diffIds = parsed(files, name, ConfigSchema, content).rootfs.diff_ids ?? [];
  const layers = Layers ?? [];
  if (layers.length !== diffIds.length) {
    const found = `${layers.length} in manifest.json`;
    throw damaged(ARCHIVE, files.called(name), `${diffIds.length} layers`, found);
  }
  const { head: _, ...stored } = foundAt(files, name, files.file(name));
  const config = { blob: sha256(content), place: { ...stored, isPackedLayer: false } };
  const known = new Map<string, Part>();
  const parts = diffIds.map((blob, index) => {
    // podman takes the first file of a layer that comes twice, and does not look at the second.
    const part = known.get(blob) ?? { blob, place: layerPlace(files, layers[index] ?? '') };
    known.set(blob, part);
    return part;
  });
  return [config, ...parts];
}

function layerPlace(files: Files, name: string): Place {
  const { head, ...stored } = foundAt(files, name, files.layer(name));
  return { ...stored, isPackedLayer: packingOf(head) === 'known' };
}

async function manifestOf(
  [config, ...layers]: readonly Part[],
  sizeOf: (place: Place) => Promise<number>,
): Promise<Buffer> {
  const described = [];
  for (const { blob: digest, place } of layers) {
    const mediaType = 'application/vnd.docker.image.rootfs.diff.tar.gzip';
    described.push({ mediaType, size: await sizeOf(place), digest });
  }
  const mediaType = 'application/vnd.docker.container.image.v1+json';
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: { mediaType, size: config?.place.size, digest: config?.blob },
      layers: described,
    }),
  );
}

/** The sizes of decompressed layers, each of which is decompressed once. */
function contentSizes(root: Root, view: View) {
  const known = new Map<number, number>();
  let stored = 0;
  let grown = 0;
  return async (place: Place): Promise<number> => {
    if (!place.isPackedLayer) return place.size;
    const size = known.get(place.start) ?? (await contentSize(root, view, place));
    if (known.has(place.start)) return size;
    known.set(place.start, size);
    stored += place.size;
    grown += size;
    const most = mostBytes(stored);
    if (grown <= most) return size;
    throw damaged(ARCHIVE, place.path, `at most ${most} bytes of layers, decompressed`, 'more');
  };
}

async function contentSize(root: Root, view: View, place: Place): Promise<number> {
  if (place.content !== undefined) return place.content.size;
  if (place.isPacked) {
    throw damaged(
      ARCHIVE,
      place.path,
      'layers of whole compressed bytes',
      'damaged or endless ones',
    );
  }
  let size = 0;
  for await (const chunk of bytesAt(root, view, place)) size += chunk.length;
  return size;
}

function documentOf(files: Files, name: string): Buffer {
  const content = files.document(name);
  if (content !== undefined) return content;
  throw damaged(ARCHIVE, files.called(name), 'a JSON file', files.absence(name));
}

function foundAt(files: Files, name: string, file: StoredFile | undefined): StoredFile {
  if (file !== undefined) return file;
  throw damaged(ARCHIVE, files.called(name), 'a file', files.absence(name));
}

function parsed<const Schema extends v.GenericSchema>(
  files: Files,
  name: string,
  schema: Schema,
  content: Buffer,
): v.InferOutput<Schema> {
  const json = parseStrictJson(content);
  const checked = checkBy(schema, json.kind === 'json' ? json.value : undefined);
  if (json.kind === 'json' && checked.success) return checked.output;
  const found =
    json.kind === 'refused' ? json.found : (checked.issues?.[0].message ?? 'another one');
  throw damaged(ARCHIVE, files.called(name), 'a file of an archive by docker or podman', found);
}
