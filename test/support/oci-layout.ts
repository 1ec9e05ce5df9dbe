import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BuiltImage } from './image-builder.ts';

/** Writes an image as an OCI layout, for tools that read one: image-spec, image-layout.md. */
export function writeLayout(directory: string, tag: string, image: BuiltImage): void {
  const blobs = join(directory, 'blobs/sha256');
  mkdirSync(blobs, { recursive: true });
  const manifests = [image.top, ...image.manifests].map((m) => [m.digest, m.content] as const);
  for (const [digest, content] of [...image.blobs, ...manifests]) {
    writeFileSync(join(blobs, digest.replace('sha256:', '')), content);
  }
  const { mediaType, digest, content } = image.top;
  const annotations = { 'org.opencontainers.image.ref.name': tag };
  const entry = { mediaType, digest, size: content.length, annotations };
  writeFileSync(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(
    join(directory, 'index.json'),
    JSON.stringify({ schemaVersion: 2, manifests: [entry] }),
  );
}
