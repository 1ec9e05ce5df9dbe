import { TAR_END, tarFile } from '../../../common/tar/write.ts';
import { parseName } from '../../../image/name.ts';
import type { Blob, ResolvedImage } from '../../../image/resolved.ts';
import { REF_NAME } from '../../../oci/annotations.ts';
import type { ImageBytes } from '../../depot.ts';

interface Part {
  readonly digest: string;
  readonly size: number;
  readonly content: AsyncIterable<Buffer> | readonly Buffer[];
}

/**
 * An image as a tar archive of an OCI layout (image-spec, image-layout.md). Blobs are streamed from where
 * they are stored, so only a piece of one is in memory.
 *
 * The archive's only name is the name by digest, and index.json points to the document with that digest. So
 * podman knows the loaded image as if it had pulled the image from the registry.
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
    yield* tarFile(`blobs/${digest.replace(':', '/')}`, size, content);
  }
  yield TAR_END;
}

function partOf(from: ImageBytes, blob: Blob): Part {
  return { digest: blob.digest, size: blob.size, content: from.read(blob) };
}

function textFile(path: string, text: string): AsyncGenerator<Buffer> {
  const content = Buffer.from(text);
  return tarFile(path, content.length, [content]);
}
