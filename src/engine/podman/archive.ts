import { REF_NAME } from '../../image/annotations.ts';
import { parseName } from '../../image/name.ts';
import type { Blob, ResolvedImage } from '../../image/resolved.ts';
import type { ImageBytes } from '../engine.ts';

const BLOCK = 512;

/** What eleven octal digits can say, in bytes. */
const MAX_OCTAL = 8 ** 11;

interface Part {
  readonly digest: string;
  readonly size: number;
  readonly content: AsyncIterable<Buffer> | readonly Buffer[];
}

/**
 * An image as a tar archive of an OCI layout (image-spec, image-layout.md), the blobs as they come
 * from where they are. Nothing is held in memory but a piece of a blob.
 *
 * Its one name is that by digest, and what index.json points to is the very document of that
 * digest: so whoever loads it knows the image as if it had been pulled from the registry.
 */
export async function* archiveOf(
  image: ResolvedImage,
  blobs: readonly Blob[],
  from: ImageBytes,
): AsyncGenerator<Buffer> {
  const { registry, repository } = parseName(image.name);
  const top = from.manifest(image.digest);
  const documents = [
    top,
    ...(image.digest === image.manifest ? [] : [from.manifest(image.manifest)]),
  ];
  const entry = {
    mediaType: top.mediaType,
    digest: top.digest,
    size: top.content.length,
    annotations: { [REF_NAME]: `${registry}/${repository}@${image.digest}` },
  };
  yield* textFile('oci-layout', JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  yield* textFile('index.json', JSON.stringify({ schemaVersion: 2, manifests: [entry] }));
  const manifests: Part[] = documents.map(({ digest, content }) => ({
    digest,
    size: content.length,
    content: [content],
  }));
  const distinct = new Map(blobs.map((blob) => [blob.digest, blob]));
  const parts = [...distinct.values()].map((blob) => partOf(from, blob));
  for (const { digest, size, content } of [...manifests, ...parts]) {
    yield* file(`blobs/${digest.replace(':', '/')}`, size, content);
  }
  yield Buffer.alloc(2 * BLOCK);
}

function partOf(from: ImageBytes, blob: Blob): Part {
  return { digest: blob.digest, size: blob.size, content: from.read(blob) };
}

function textFile(path: string, text: string): AsyncGenerator<Buffer> {
  const content = Buffer.from(text);
  return file(path, content.length, [content]);
}

async function* file(path: string, size: number, content: Part['content']): AsyncGenerator<Buffer> {
  yield header(path, size);
  yield* content;
  yield Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

/** Of a regular file: POSIX.1-2024, pax, "ustar Interchange Format". */
function header(path: string, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(path, 0, 100);
  block.write('0000644\0', 100);
  block.write('0000000\0', 108);
  block.write('0000000\0', 116);
  writeSize(block, size);
  block.write('00000000000\0', 136);
  block.write('        0', 148);
  block.write('ustar\x0000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

/** A layer may have more than 8 GiB: then in binary, as GNU tar and all readers of today do. */
function writeSize(block: Buffer, size: number): void {
  if (size < MAX_OCTAL) {
    block.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
    return;
  }
  block[124] = 0x80;
  block.writeBigUInt64BE(BigInt(size), 128);
}
