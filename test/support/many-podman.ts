import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../../src/image/digest.ts';
import type { BuiltImage } from './image-builder.ts';

/** An image with the name that podman is to know it by. */
export interface NamedImage {
  readonly name: string;
  readonly image: BuiltImage;
}

/**
 * Writes images of one layer each into an empty store of podman, as podman keeps them after a pull: pulling
 * thousands of images takes podman many minutes. The layers have no files.
 *
 * @param root the directory of the store, of which no podman has anything open.
 */
export function writeImagesOfPodman(root: string, images: readonly NamedImage[]): void {
  const [imageFiles, layerFiles] = ['overlay-images', 'overlay-layers'].map((name) =>
    join(root, name),
  ) as [string, string];
  for (const made of [imageFiles, layerFiles, join(root, 'overlay/l')]) {
    mkdirSync(made, { recursive: true });
  }
  const entries = images.map(({ name, image }) => writeImage(imageFiles, name, image));
  const layers = entries.map(({ layer }) => writeLayer(root, layer));
  writeFileSync(join(imageFiles, 'images.json'), JSON.stringify(entries));
  writeFileSync(join(layerFiles, 'layers.json'), JSON.stringify(layers));
  // Without the id of a last writer podman reads the lists again for each image.
  for (const lock of ['overlay-images/images.lock', 'overlay-layers/layers.lock']) {
    writeFileSync(join(root, lock), hexOf(sha256(Buffer.alloc(0))));
  }
}

function writeImage(directory: string, name: string, { top, blobs }: BuiltImage) {
  const { config } = JSON.parse(top.content.toString()) as { config: { digest: string } };
  const content = blobs.get(config.digest) ?? Buffer.alloc(0);
  const { rootfs } = JSON.parse(content.toString()) as { rootfs: { diff_ids: string[] } };
  const big: Readonly<Record<string, Buffer>> = {
    [config.digest]: content,
    [`manifest-${top.digest}`]: top.content,
    manifest: top.content,
  };
  const id = hexOf(config.digest);
  mkdirSync(join(directory, id));
  for (const [key, bytes] of Object.entries(big)) {
    writeFileSync(join(directory, id, fileOf(key)), bytes);
  }
  const values = <T>(of: (bytes: Buffer) => T) =>
    Object.fromEntries(Object.entries(big).map(([key, bytes]) => [key, of(bytes)]));
  return {
    id,
    digest: top.digest,
    names: [name],
    layer: hexOf(rootfs.diff_ids[0] ?? ''),
    metadata: '{}',
    'big-data-names': Object.keys(big),
    'big-data-sizes': values(({ length }) => length),
    'big-data-digests': values(sha256),
    created: '2024-01-01T00:00:00Z',
  };
}

function writeLayer(root: string, id: string) {
  const directory = join(root, 'overlay', id);
  for (const made of ['diff', 'empty', 'merged', 'work']) {
    mkdirSync(join(directory, made), { recursive: true });
  }
  // podman's own links are 26 characters of base 32.
  const link = id.slice(0, 26).toUpperCase();
  writeFileSync(join(directory, 'link'), link);
  symlinkSync(`../${id}/diff`, join(root, 'overlay/l', link));
  return { id, created: '2024-01-01T00:00:00Z', 'diff-digest': `sha256:${id}`, 'diff-size': 2560 };
}

/** How containers/storage calls the file of an item: by its name, or by that in base 64. */
function fileOf(key: string): string {
  return /^[a-z]+$/.test(key) ? key : `=${Buffer.from(key).toString('base64')}`;
}

function hexOf(digest: string): string {
  return digest.replace(/^sha256:/, '');
}
