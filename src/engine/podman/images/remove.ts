import type { PodmanApi } from '../api/api.ts';
import { TornImageError } from '../api/torn-image.ts';
import { leftoversOf, listContainers, removeContainer } from '../pins/holds.ts';
import {
  hexOf,
  imageExists,
  isOwn,
  type ListedImage,
  listImage,
  WAITS_FOR_WRITER,
} from './images.ts';
import { giveName, untag } from './names.ts';

/**
 * Removes an image with all its names, never by force, which would remove its containers too.
 *
 * @param waits as those of `listImages`.
 * @returns false, with nothing changed, if any container holds the image, or if it lies in a store that
 *   podman must not change.
 */
export async function removeImage(
  api: PodmanApi,
  id: string,
  waits = WAITS_FOR_WRITER,
): Promise<boolean> {
  const containers = (await listContainers(api)).filter(({ ImageID }) => ImageID === hexOf(id));
  // Pins that podman's database has lost hold no image that a record needs.
  const leftovers = leftoversOf(containers);
  if (containers.length > leftovers.length) return false;
  const found = await unlessTorn(id, listImage(api, id, waits));
  if (found === 'torn') {
    await api.status({ method: 'DELETE', path: `/images/${hexOf(id)}` }, 200, 404);
    return true;
  }
  if (found.length === 0) return true;
  const image = found.find(isOwn);
  if (image === undefined) return false;
  for (const { container } of leftovers) await removeContainer(api, container);
  const names = orderOfRemoval(image);
  for (const name of names.slice(0, -1)) await untag(api, id, name);
  const path = `/images/${hexOf(id)}`;
  await api.status({ method: 'DELETE', path }, 200, 404, 409);
  // podman also answers 200 if it only removed a name and kept the image.
  if (!(await listImage(api, id)).some(isOwn)) return true;
  await giveBack(api, id, names);
  return false;
}

/** Allows for a half-written image, which has no names yet and which nothing can hold. */
async function unlessTorn<T>(id: string, listed: Promise<T>): Promise<T | 'torn'> {
  try {
    return await listed;
  } catch (error) {
    if (error instanceof TornImageError && error.id === id) return 'torn';
    throw error;
  }
}

/**
 * The names of an image, names by digest last because they can't be given back. podman refuses to remove an
 * image that has several names.
 */
function orderOfRemoval(image: ListedImage): readonly string[] {
  return (image.Names ?? []).toSorted((a, b) => Number(a.includes('@')) - Number(b.includes('@')));
}

/**
 * Gives the image its tags back, because somebody began to use it after all; tags that mean another image
 * by now are left.
 */
async function giveBack(api: PodmanApi, id: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    if (!name.includes('@') && !(await imageExists(api, name))) await giveName(api, id, name);
  }
}
