import { gzipSync, zstdCompressSync } from 'node:zlib';
import { sha256 } from '../../src/image/digest.ts';
import { formatPlatform, hostPlatform } from '../../src/image/platform.ts';
import { type BuiltImage, buildImage } from './image-builder.ts';

export type Compression = 'gzip' | 'zstd' | 'none';

const packers = {
  gzip: (archive: Buffer) => gzipSync(archive, { level: 1 }),
  // As zstd:chunked: many frames in one stream.
  zstd: (archive: Buffer) =>
    Buffer.concat([
      zstdCompressSync(archive.subarray(0, 700)),
      zstdCompressSync(archive.subarray(700)),
    ]),
  none: (archive: Buffer) => archive,
};
const suffixes = { gzip: '+gzip', zstd: '+zstd', none: '' };

/** An image of these archives, for this machine. */
export function layeredImage(
  layers: readonly { readonly archive: Buffer; readonly compression?: Compression }[],
): BuiltImage {
  const { blobs, manifests } = buildImage({
    layers: [],
    platforms: [formatPlatform(hostPlatform())],
  });
  const [base] = manifests;
  if (base === undefined) throw new Error('an image has a manifest');
  const all = new Map(blobs);
  const descriptors = layers.map(({ archive, compression = 'gzip' }) => {
    const content = packers[compression](archive);
    const digest = sha256(content);
    all.set(digest, content);
    const mediaType = `application/vnd.oci.image.layer.v1.tar${suffixes[compression]}`;
    return { mediaType, digest, size: content.length };
  });
  const document = JSON.parse(base.content.toString()) as object;
  const content = Buffer.from(JSON.stringify({ ...document, layers: descriptors }));
  const top = { mediaType: base.mediaType, digest: sha256(content), content };
  return { top, manifests: [top], blobs: all };
}
