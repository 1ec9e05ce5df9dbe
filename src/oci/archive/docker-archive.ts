import * as v from 'valibot';
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
import { bytesAt } from './file-bytes.ts';
import type { Files } from './files.ts';
import { packingOf } from './tar-files.ts';

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
  const called = files.called('manifest.json');
  const items = parsed(files, 'manifest.json', ItemsSchema, documentOf(files, 'manifest.json'));
  if (items.length > MAX_IMAGES)
    throw damaged(ARCHIVE, called, `at most ${MAX_IMAGES} images`, 'more');
  const count = items.reduce((sum, { RepoTags }) => sum + (RepoTags?.length ?? 0), 0);
  if (count > MAX_IMAGES) throw damaged(ARCHIVE, called, `at most ${MAX_IMAGES} names`, 'more');
  const configs = items.map(({ Config }) => documentOf(files, Config));
  if (configs.reduce((sum, { length }) => sum + length, 0) > MAX_DOCUMENTS_BYTES) {
    throw damaged(ARCHIVE, called, `at most ${MAX_DOCUMENTS_BYTES} bytes of configs`, 'more');
  }
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
  const config = { blob: sha256(content), place: placeOf(files, name, false) };
  const parts = diffIds.map((blob, index) => ({
    blob,
    place: placeOf(files, layers[index] ?? '', true),
  }));
  return [config, ...parts];
}

function placeOf(files: Files, name: string, isLayer: boolean): Place {
  const { head, ...stored } = fileOf(files, name);
  return { ...stored, isPackedLayer: isLayer && packingOf(head) === 'known' };
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
  return async (place: Place): Promise<number> => {
    if (!place.isPackedLayer) return place.size;
    let size = known.get(place.start) ?? 0;
    if (size > 0) return size;
    for await (const chunk of bytesAt(root, view, place)) size += chunk.length;
    known.set(place.start, size);
    return size;
  };
}

function documentOf(files: Files, name: string): Buffer {
  const content = files.document(name);
  if (content !== undefined) return content;
  throw damaged(ARCHIVE, files.called(name), 'a JSON file', 'none');
}

function fileOf(files: Files, name: string) {
  const file = files.file(name);
  if (file !== undefined) return file;
  throw damaged(ARCHIVE, files.called(name), 'a file', 'none');
}

function parsed<const Schema extends v.GenericSchema>(
  files: Files,
  name: string,
  schema: Schema,
  content: Buffer,
): v.InferOutput<Schema> {
  const json = parseStrictJson(content);
  const checked = v.safeParse(schema, json.kind === 'json' ? json.value : undefined);
  if (json.kind === 'json' && checked.success) return checked.output;
  const found =
    json.kind === 'refused' ? json.found : (checked.issues?.[0].message ?? 'another one');
  throw damaged(ARCHIVE, files.called(name), 'a file of an archive by docker or podman', found);
}
