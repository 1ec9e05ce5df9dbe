import { type PodmanApi, parse } from './api.ts';
import { hexOf } from './images.ts';
import { imageDetail } from './replies.ts';

/** podman answers these no faster in greater number; so many hide the trips between. */
const LOOKS_AT_A_TIME = 4;

/**
 * The diffIDs of the layers of each image, from the base up. podman has no one call for that: it
 * costs one an image, of 4 to 9 ms.
 */
export async function listLayers(
  api: PodmanApi,
  ids: Iterable<string>,
): Promise<readonly (readonly string[])[]> {
  const waiting = new Set(ids).values();
  const found: (readonly string[])[] = [];
  const lane = async () => {
    for (const id of waiting) found.push(await layersOf(api, id));
  };
  await Promise.all(Array.from({ length: LOOKS_AT_A_TIME }, lane));
  return found;
}

/** None for an image that is gone, or of which podman itself can't tell. */
async function layersOf(api: PodmanApi, id: string): Promise<readonly string[]> {
  const path = `/images/${hexOf(id)}/json`;
  const { status, body } = await api.send({ method: 'GET', path });
  return status === 200 ? (parse(imageDetail, body.toString(), path).RootFS?.Layers ?? []) : [];
}
