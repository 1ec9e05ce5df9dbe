import type { ArchiveName } from '../../image/archive-name.ts';
import { fullName } from '../../image/name.ts';
import { formatPlatform, type Platform } from '../../image/platform.ts';
import type { ResolvedImage } from '../../image/resolved.ts';
import { dockerShortNames } from '../../image/short-names.ts';
import type { Root } from '../../root/root.ts';
import { type Claims, type Document, parseDocument } from '../document.ts';
import { damaged } from '../failure.ts';
import { type DocumentSource, findImage } from '../find-image.ts';
import type { ShippedImages } from '../local-images.ts';
import { ARCHIVE, type Archive, type ArchivedImage, entriesOf, namesIn } from './archive.ts';
import { assertWhole, verifiedBlob } from './check-blobs.ts';

/** The named images of an archive, readable as long as the root is open. */
export function archivedImages(root: Root, archive: Archive): ShippedImages {
  const documents = documentsOf(archive);
  const entries = entriesOf(archive);
  return {
    find: (name, platform) => {
      const image = findImage(documents, entries, name, platform);
      if (image !== undefined) assertWhole(archive, image);
      return image;
    },
    has: (digest) => archive.places.has(digest) || archive.documents.has(digest),
    manifest: (digest) => {
      const { mediaType } = documents.document(digest);
      return { digest, mediaType, content: contentOf(archive, digest) };
    },
    // Archives have no place for signatures.
    signatures: () => [],
    read: (blob) => verifiedBlob(root, archive, blob),
  };
}

/**
 * The archive with only the image that podman takes from it, which gets the names that podman gives it.
 *
 * Source: podman 5.4.2 and 5.8.6, `podman run`, tried with each transport.
 *
 * @param as the name under which the image is copied, if it gets another one.
 * @throws {LayoutError} if podman would find none, or several.
 */
export function archiveOfOne(archive: Archive, wanted: ArchiveName, as?: string): Archive {
  const image = chosen(archive, wanted);
  const names = as === undefined ? namesGiven(image, wanted) : [as];
  return { ...archive, images: [{ ...image, names }] };
}

function namesGiven({ names, ref }: ArchivedImage, wanted: ArchiveName): readonly string[] {
  if (wanted.ref === undefined || wanted.ref.startsWith('@')) return names;
  if (wanted.transport === 'docker-archive') return namesIn([wanted.ref], dockerShortNames);
  return wanted.transport === 'oci' ? namesIn([ref ?? ''], dockerShortNames) : names;
}

/**
 * The only image of an archive, under a name that the caller gives.
 *
 * @throws {LayoutError} if the archive lacks a part of the image, or has none for the platform.
 */
export function onlyImage(archive: Archive, name: string, platform: Platform): ResolvedImage {
  const images = archive.images.map((image) => ({ ...image, names: [name] }));
  const found = findImage(documentsOf(archive), entriesOf({ images }), name, platform);
  if (found === undefined) {
    throw damaged(ARCHIVE, archive.path, `an image for ${formatPlatform(platform)}`, 'none');
  }
  assertWhole(archive, found);
  return found;
}

function chosen({ path, images }: Archive, { transport, ref }: ArchiveName): ArchivedImage {
  const matches = ref === undefined ? images : images.filter(matching(transport, ref));
  const [one] = matches;
  if (one !== undefined && (matches.length === 1 || ref !== undefined)) return one;
  const expected = ref === undefined ? 'one image, as none is chosen' : `an image ${ref}`;
  throw damaged(ARCHIVE, path, expected, one === undefined ? 'none' : `${matches.length} images`);
}

/** Whether podman takes an image by what stands behind the path. */
function matching(transport: ArchiveName['transport'], ref: string) {
  if (transport !== 'docker-archive') return (image: ArchivedImage) => image.ref === ref;
  const position = /^@(\d+)$/.exec(ref)?.[1];
  if (position !== undefined) return (_: ArchivedImage, at: number) => at === Number(position);
  const name = fullName(ref, dockerShortNames);
  return ({ names }: ArchivedImage) => name.ok && names.includes(name.name);
}

function documentsOf(archive: Archive): DocumentSource {
  return {
    place: ARCHIVE,
    path: () => archive.path,
    document: (digest, claims) => parsed(archive, digest, claims),
  };
}

function parsed(archive: Archive, digest: string, claims?: Claims): Document {
  const document = parseDocument(contentOf(archive, digest), claims);
  if (document.kind !== 'refused') return document;
  throw damaged(ARCHIVE, archive.path, 'a manifest or index', document.found);
}

function contentOf({ path, documents }: Archive, digest: string): Buffer {
  const content = documents.get(digest);
  if (content !== undefined) return Buffer.from(content);
  throw damaged(ARCHIVE, path, `the manifest ${digest}`, 'nothing');
}
