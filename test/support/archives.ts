import { gunzipSync } from 'node:zlib';
import { sha256 } from '../../src/image/digest.ts';
import type { BuiltImage } from './image-builder.ts';
import { type Member, tar } from './tar.ts';

/** An image in an archive, with the names that the archive gives it. */
export interface Archived {
  readonly image: BuiltImage;
  readonly names: readonly string[];
}

/** What `docker save` writes in its older format, layers not compressed unless they are to be `packed`. */
export function dockerArchive(all: readonly Archived[], layers: 'plain' | 'packed' = 'plain') {
  return tar(dockerMembers(all, layers));
}

export function dockerMembers(
  all: readonly Archived[],
  layers: 'plain' | 'packed' = 'plain',
): Member[] {
  const files = new Map<string, Buffer>();
  const items = all.map(({ image, names }) => {
    const { config, layers: blobs } = partsOf(image);
    const contents = layers === 'packed' ? blobs : blobs.map((blob) => gunzipSync(blob));
    files.set(`${hex(config)}.json`, config);
    for (const content of contents) files.set(`${hex(content)}.tar`, content);
    return {
      Config: `${hex(config)}.json`,
      RepoTags: names.length === 0 ? null : names,
      Layers: contents.map((content) => `${hex(content)}.tar`),
    };
  });
  return [
    ...[...files].map(([path, content]) => ({ path, content })),
    { path: 'manifest.json', content: JSON.stringify(items) },
  ];
}

/** An OCI layout as an archive; the names are annotations of its index. */
export function ociArchive(all: readonly Archived[]): Buffer {
  return tar(Object.entries(ociLayout(all)).map(([path, content]) => ({ path, content })));
}

export function ociLayout(all: readonly Archived[]): Record<string, string | Buffer> {
  const files: Record<string, string | Buffer> = { 'oci-layout': '{"imageLayoutVersion":"1.0.0"}' };
  for (const { image } of all) {
    for (const { content, digest } of [image.top, ...image.manifests]) files[at(digest)] = content;
    for (const [digest, content] of image.blobs) files[at(digest)] = content;
  }
  const manifests = all.flatMap(({ image: { top }, names }) =>
    (names.length === 0 ? [undefined] : names).map((name) => ({
      mediaType: top.mediaType,
      digest: top.digest,
      size: top.content.length,
      ...(name === undefined ? {} : { annotations: { 'org.opencontainers.image.ref.name': name } }),
    })),
  );
  return { ...files, 'index.json': JSON.stringify({ schemaVersion: 2, manifests }) };
}

/** What `skopeo copy` writes with the transport `dir:`. */
export function imageDirectory(image: BuiltImage): Record<string, string | Buffer> {
  const files: Record<string, string | Buffer> = { version: 'Directory Transport Version: 1.1\n' };
  for (const [digest, content] of image.blobs) files[digest.replace('sha256:', '')] = content;
  return { ...files, 'manifest.json': image.manifests[0]?.content ?? '' };
}

/** Files of a directory in a root. */
export function below(
  directory: string,
  files: Readonly<Record<string, string | Buffer>>,
): Record<string, string | Buffer> {
  return Object.fromEntries(
    Object.entries(files).map(([name, content]) => [`${directory}/${name}`, content]),
  );
}

function at(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}

function hex(content: Buffer): string {
  return sha256(content).replace('sha256:', '');
}

/** The config and the layers, from the base up, of an image for one platform. */
function partsOf({ manifests, blobs }: BuiltImage): { config: Buffer; layers: Buffer[] } {
  const parsed: { config: { digest: string }; layers: { digest: string }[] } = JSON.parse(
    String(manifests[0]?.content),
  );
  const blob = (digest: string) => blobs.get(digest) ?? Buffer.alloc(0);
  return {
    config: blob(parsed.config.digest),
    layers: parsed.layers.map(({ digest }) => blob(digest)),
  };
}
