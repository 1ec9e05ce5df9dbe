import { parseName } from '../../../image/name.ts';
import type { ResolvedImage } from '../../../image/resolved.ts';
import type { Access } from '../../../registry/access.ts';
import { EngineError } from '../../errors.ts';
import type { AtHand } from '../../fetch/at-hand.ts';
import { type FetchWatch } from '../../fetch-watch.ts';
import { isForHost } from '../../serves.ts';
import { accessOf, type Source } from '../../source.ts';
import type { PodmanApi } from '../api/api.ts';
import { failed } from '../api/failure.ts';
import { isOwn, listImage } from '../images/images.ts';
import { loadImage } from './load.ts';

/**
 * Brings an image that is not on this machine.
 *
 * @param name the image's repository and digest.
 */
export type Pull = (
  name: string,
  image: ResolvedImage,
  access: Access,
  watch: FetchWatch,
) => Promise<void>;

/**
 * Has podman load an image that is on this machine, or else pull it by its digest.
 *
 * @returns the ID of the image, `sha256:…`.
 */
export async function fetchImage(
  api: PodmanApi,
  bring: Pull,
  image: ResolvedImage,
  source: Source,
  atHand: () => Promise<AtHand | undefined>,
  watch: FetchWatch = {},
): Promise<string> {
  const { registry, repository } = parseName(image.name);
  const name = `${registry}/${repository}@${image.digest}`;
  if (!(await isNamed(api, image.config, name))) {
    const pull = () => bring(name, image, accessOf(source), watch);
    const found = isForHost(image) ? await atHand() : undefined;
    if (found === undefined) await pull();
    else await load(api, image, source, found, watch, pull);
    if (!(await isNamed(api, image.config, name))) {
      throw failed(`${name} was fetched but is not there`);
    }
  }
  watch.onBytes?.(image.blobs.reduce((sum, blob) => sum + blob.size, 0));
  return image.config;
}

/** Whether podman has the image in its own store, under this name by digest. */
async function isNamed(api: PodmanApi, id: string, name: string): Promise<boolean> {
  const images = (await listImage(api, id)).filter(isOwn);
  return images.some((image) => image.RepoDigests?.includes(name));
}

/**
 * Has podman load an image. If that fails for an image of a registry, podman pulls it: its policy may
 * accept no archives, or somebody may just have removed a layer whose blob is not here.
 */
async function load(
  api: PodmanApi,
  image: ResolvedImage,
  source: Source,
  { blobs, from }: AtHand,
  watch: FetchWatch,
  pull: () => Promise<void>,
): Promise<void> {
  try {
    await loadImage(api, image, blobs, from, watch);
  } catch (error) {
    const codes = ['engine-failed', 'no-such-image'];
    const isRefused = error instanceof EngineError && codes.includes(error.code);
    if (!isRefused || source.from === 'layout') throw error;
    try {
      await pull();
    } catch {
      throw error;
    }
  }
}
