import { isDigest, sha256 } from '../../image/digest.ts';
import type { ShortNames } from '../../image/short-names.ts';
import { REF_NAME } from '../annotations.ts';
import { type Document, parseDocument } from '../document.ts';
import { damaged, mismatch } from '../failure.ts';
import { parseIndexJson } from '../index-json.ts';
import {
  ARCHIVE,
  type Archive,
  type ArchivedImage,
  MAX_DOCUMENTS_BYTES,
  MAX_IMAGES,
  namesIn,
  type Place,
} from './archive.ts';
import type { Files } from './files.ts';

/** In one archive: of manifests and indexes. */
const MAX_DOCUMENTS = 1000;

/** The full name of an image that containerd and docker have saved. */
const CONTAINERD_NAME = 'io.containerd.image.name';

/** podman puts `localhost/` in front of a name without a registry when it loads an archive. */
const localNames: ShortNames = { searchRegistries: ['localhost'], aliases: {} };

/**
 * The images of an OCI layout, packed as an archive or not.
 *
 * @throws {LayoutError}
 */
export function ociImages(files: Files): Omit<Archive, 'path' | 'view'> {
  const content = files.document('index.json');
  const called = files.called('index.json');
  if (content === undefined) throw damaged(ARCHIVE, called, 'an OCI image index', 'nothing');
  const index = parseIndexJson(content);
  if (index.kind === 'refused') throw damaged(ARCHIVE, called, 'an OCI image index', index.found);
  if (index.index.manifests.length > MAX_IMAGES) {
    throw damaged(ARCHIVE, called, `at most ${MAX_IMAGES} images`, 'more');
  }
  const images = index.index.manifests.map(({ digest, mediaType, annotations }): ArchivedImage => {
    const ref = annotations?.[REF_NAME];
    const texts = [annotations?.[CONTAINERD_NAME] ?? ref ?? ''];
    return {
      digest,
      mediaType,
      names: namesIn(texts, localNames),
      ...(ref === undefined ? {} : { ref }),
    };
  });
  return {
    images,
    ...collected(
      files,
      images.map(({ digest }) => digest),
    ),
  };
}

/** The manifests and indexes that can be reached, and the places of the other blobs. */
function collected(files: Files, tops: readonly string[]): Pick<Archive, 'documents' | 'places'> {
  const documents = new Map<string, Buffer>();
  const places = new Map<string, Place>();
  const waiting = [...tops];
  let held = 0;
  for (let digest = waiting.pop(); digest !== undefined; digest = waiting.pop()) {
    if (!isDigest(digest) || documents.has(digest)) continue;
    const name = nameOf(digest);
    const content = files.document(name);
    // An archive may lack the images of other platforms.
    if (content === undefined) continue;
    held += content.length;
    if (documents.size >= MAX_DOCUMENTS || held > MAX_DOCUMENTS_BYTES) {
      const most = `at most ${MAX_DOCUMENTS} manifests of ${MAX_DOCUMENTS_BYTES} bytes together`;
      throw damaged(ARCHIVE, files.called(name), most, 'more');
    }
    const actual = sha256(content);
    if (actual !== digest) throw mismatch(ARCHIVE, files.called(name), digest, actual);
    documents.set(digest, content);
    const document = parseDocument(content);
    if (document.kind === 'index') {
      for (const entry of document.entries) waiting.push(entry.digest);
    }
    if (document.kind === 'manifest') addPlaces(files, document, places);
  }
  return { documents, places };
}

function addPlaces(
  files: Files,
  { config, layers }: Document & { kind: 'manifest' },
  places: Map<string, Place>,
): void {
  for (const { digest } of [config, ...layers]) {
    const file = places.has(digest) ? undefined : files.file(nameOf(digest));
    if (file === undefined) continue;
    const { head: _, ...stored } = file;
    places.set(digest, { ...stored, isPackedLayer: false });
  }
}

function nameOf(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}

/**
 * The image of a directory as `skopeo copy` writes it with the transport `dir:`.
 *
 * Source: github.com/containers/image, directory/directory_transport.go.
 *
 * @throws {LayoutError}
 */
export function directoryImage(files: Files): Omit<Archive, 'path' | 'view'> {
  const called = files.called('manifest.json');
  const content = files.document('manifest.json');
  if (content === undefined) throw damaged(ARCHIVE, called, 'a manifest', 'nothing');
  const document = parseDocument(content);
  if (document.kind !== 'manifest') {
    const found = document.kind === 'refused' ? document.found : 'an index';
    throw damaged(ARCHIVE, called, 'the manifest of an image', found);
  }
  const digest = sha256(content);
  const places = new Map<string, Place>();
  const hex: Files = { ...files, file: (name) => files.file(name.replace('blobs/sha256/', '')) };
  addPlaces(hex, document, places);
  const images = [{ digest, mediaType: document.mediaType, names: [] }];
  return { images, documents: new Map([[digest, content]]), places };
}
