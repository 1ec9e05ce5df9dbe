import { closeSync, constants, existsSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode } from '../../../common/errors.ts';
import { chainOf } from '../../../image/chain.ts';
import { isDigest } from '../../../image/digest.ts';
import type { Blob, ResolvedImage } from '../../../image/resolved.ts';
import { containerdOf, type Settings } from '../api/settings.ts';
import { blobsOf } from './ids.ts';

/** Tells which of an image's blobs docker does not have, the config first. */
export type Lacking = (image: ResolvedImage) => readonly Blob[];

/**
 * The blobs that docker lacks. docker's API tells only the digests of unpacked layers, for one image at a time, so
 * berth looks into the files of docker's store. A layer that berth can't read or understand counts as lacking: at
 * worst the footprint is too large.
 */
export function lackingIn(settings: Settings): Lacking {
  if (settings.store === 'own') return (image) => lackingLayers(settings, image);
  const containerd = containerdOf(settings.root);
  const blobs = containerd && blobsOf(containerd);
  return ({ blobs: all }) =>
    all.filter(
      ({ digest }) => blobs === undefined || !existsSync(join(blobs, digest.replace(':', '/'))),
    );
}

/** docker has a layer unpacked under its chain ID, and remembers to which digest each blob unpacks. */
function lackingLayers(
  { root, driver }: Settings,
  { blobs: [config, ...layers] }: ResolvedImage,
): readonly Blob[] {
  const store = join(root, 'image', driver);
  const unpacked: string[] = [];
  for (const { digest } of layers) {
    const diffId = readDigest(join(store, 'distribution/diffid-by-digest', pathOf(digest)));
    if (diffId === undefined) break;
    unpacked.push(diffId);
  }
  const chain = chainOf(unpacked);
  const lacking = layers.filter((_, index) => {
    const name = chain[index];
    return name === undefined || !existsSync(join(store, 'layerdb', pathOf(name)));
  });
  return config === undefined ? lacking : [config, ...lacking];
}

function pathOf(digest: string): string {
  return digest.replace(':', '/');
}

/** The length of `sha256:` and 64 digits. */
const LENGTH = 71;

function readDigest(path: string): string | undefined {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const text = Buffer.alloc(LENGTH);
      const found = text.toString('utf8', 0, readSync(file, text));
      return isDigest(found) ? found : undefined;
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
}
