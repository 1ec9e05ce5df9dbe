import { createHash } from 'node:crypto';
import { type Blob, distinctBlobs, type ResolvedImage } from '../../image/resolved.ts';
import type { Root } from '../../root/root.ts';
import { cutShort, damaged, mismatch } from '../failure.ts';
import { ARCHIVE, type Archive, type Place } from './archive.ts';
import { bytesAt } from './file-bytes.ts';

/**
 * To reach a blob in a compressed archive, everything before the blob is decompressed; so an image with more
 * blobs is refused there. docker and podman stop at some 128 layers.
 */
const MAX_PACKED_BLOBS = 256;

/**
 * Compares every blob of an image with its digest. Blobs of a compressed archive were hashed when the archive
 * was looked through, and are not read again.
 *
 * @throws {LayoutError} if bytes don't match their digests.
 */
export async function checkBlobs(
  root: Root,
  archive: Archive,
  { blobs }: ResolvedImage,
): Promise<void> {
  for (const blob of distinctBlobs(blobs)) {
    const { isPackedLayer, content, ...stored } = placeOf(archive, blob);
    const sha256 = isPackedLayer ? content?.sha256 : stored.sha256;
    if (sha256 === undefined) {
      for await (const _ of verifiedBlob(root, archive, blob));
    } else if (sha256 !== blob.digest) {
      throw mismatch(ARCHIVE, archive.path, blob.digest, sha256);
    }
  }
}

/**
 * Throws unless every blob is there, as far as can be seen without reading them.
 *
 * @throws {LayoutError}
 */
export function assertWhole(archive: Archive, { blobs }: ResolvedImage): void {
  const places = blobs.map((blob) => ({ ...blob, place: placeOf(archive, blob) }));
  if (places.length > MAX_PACKED_BLOBS && places.some(({ place }) => place.isPacked)) {
    const expected = `at most ${MAX_PACKED_BLOBS} blobs in a compressed archive`;
    throw damaged(ARCHIVE, archive.path, expected, String(places.length));
  }
  for (const { digest, size, place } of places) {
    if (!place.isPackedLayer && place.size !== size) {
      throw cutShort(ARCHIVE, `${archive.path}, ${digest}`, size, place.size);
    }
  }
}

/**
 * The bytes of a blob, followed by an error if they don't match its digest.
 *
 * @throws {LayoutError}
 */
export async function* verifiedBlob(
  root: Root,
  archive: Archive,
  blob: Blob,
): AsyncGenerator<Buffer> {
  const { digest, size } = blob;
  const hash = createHash('sha256');
  let length = 0;
  for await (const chunk of bytesAt(root, archive.view, placeOf(archive, blob))) {
    length += chunk.length;
    // No byte more than planned may be written.
    if (length > size) break;
    hash.update(chunk);
    yield chunk;
  }
  if (length !== size) throw cutShort(ARCHIVE, `${archive.path}, ${digest}`, size, length);
  const actual = `sha256:${hash.digest('hex')}`;
  if (actual !== digest) throw mismatch(ARCHIVE, archive.path, digest, actual);
}

function placeOf({ path, places }: Archive, { digest }: Blob): Place {
  const place = places.get(digest);
  if (place === undefined) throw damaged(ARCHIVE, path, `the blob ${digest}`, 'nothing');
  return place;
}
