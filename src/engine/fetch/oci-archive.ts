import { TAR_END, tarFile } from '../../common/tar/write.ts';
import { byDigest } from '../../image/name.ts';
import type { Blob, ResolvedImage } from '../../image/resolved.ts';
import { REF_NAME } from '../../oci/annotations.ts';
import type { ImageBytes } from '../depot.ts';

interface Part {
  readonly digest: string;
  readonly size: number;
  readonly content: AsyncIterable<Buffer> | readonly Buffer[];
}

/** The additions for readers that want more than an OCI layout. */
export interface ArchiveExtras {
  /** The annotation with the image's name, beside that of the OCI. */
  readonly nameAnnotation?: string;
  /** Whether the image has a name; true unless given. */
  readonly isNamed?: boolean;
  /** More files, by their paths. */
  readonly files?: Readonly<Record<string, string>>;
}

/**
 * An image as a tar archive of an OCI layout (image-spec, image-layout.md). Blobs are streamed from where
 * they are stored, so only a piece of one is in memory.
 *
 * The archive's only name, if it has one, is the name by digest, and index.json points to the document with
 * that digest. So an engine that reads OCI layouts knows the loaded image as if it had pulled the image from
 * the registry.
 */
export async function* archiveOf(
  image: ResolvedImage,
  blobs: readonly Blob[],
  from: ImageBytes,
  { nameAnnotation, isNamed = true, files = {} }: ArchiveExtras = {},
): AsyncGenerator<Buffer> {
  const name = byDigest(image.name, image.digest);
  const top = from.manifest(image.digest);
  const documents = [
    top,
    ...(image.digest === image.manifest ? [] : [from.manifest(image.manifest)]),
  ];
  const entry = {
    mediaType: top.mediaType,
    digest: top.digest,
    size: top.content.length,
    ...(isNamed && {
      annotations: { [REF_NAME]: name, ...(nameAnnotation && { [nameAnnotation]: name }) },
    }),
  };
  yield* textFile('oci-layout', JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  yield* textFile('index.json', JSON.stringify({ schemaVersion: 2, manifests: [entry] }));
  for (const [path, text] of Object.entries(files)) yield* textFile(path, text);
  const manifests: Part[] = documents.map(({ digest, content }) => ({
    digest,
    size: content.length,
    content: [content],
  }));
  const distinct = new Map(blobs.map((blob) => [blob.digest, blob]));
  const parts = [...distinct.values()].map((blob) => partOf(from, blob));
  for (const { digest, size, content } of [...manifests, ...parts]) {
    yield* tarFile(pathOfBlob(digest), size, content);
  }
  yield TAR_END;
}

/** The place of a blob in an OCI layout. */
export function pathOfBlob(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}

function partOf(from: ImageBytes, blob: Blob): Part {
  return { digest: blob.digest, size: blob.size, content: from.read(blob) };
}

function textFile(path: string, text: string): AsyncGenerator<Buffer> {
  const content = Buffer.from(text);
  return tarFile(path, content.length, [content]);
}
