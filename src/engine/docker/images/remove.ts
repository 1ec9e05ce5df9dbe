import type { DockerApi } from '../api/api.ts';
import type { Daemon } from '../api/daemon.ts';
import { listContainers } from '../pins/holds.ts';
import { type Entry, listEntries } from './images.ts';
import { giveName } from './names.ts';
import { targetsOf } from './targets.ts';

/**
 * Removes an image with all its names, never by force, which would leave its containers without an image.
 *
 * @returns false, with nothing changed, if any container holds the image.
 */
export async function removeImage(daemon: Daemon, id: string): Promise<boolean> {
  const { api } = daemon;
  const entries = await targetsOf(daemon, id);
  const targets = new Set(entries.map(({ target }) => target));
  if ((await listContainers(api)).some(({ ImageID }) => targets.has(ImageID))) return false;
  for (const entry of entries) await removeEntry(api, entry);
  if ((await targetsOf(daemon, id)).length === 0) return true;
  await giveBack(daemon, entries);
  return false;
}

/** docker refuses to remove an image by its id while the image has names in several repositories. */
async function removeEntry(api: DockerApi, { target, names, digests }: Entry): Promise<void> {
  for (const name of [...names, ...digests].slice(0, -1)) await remove(api, name);
  await remove(api, target);
}

async function remove(api: DockerApi, nameOrId: string): Promise<void> {
  const path = `/images/${encodeURIComponent(nameOrId)}`;
  // 409: a container uses the image after all.
  await api.status({ method: 'DELETE', path }, 200, 404, 409);
}

/**
 * Gives the image its tags back, because somebody has begun to use the image meanwhile. Tags that mean another
 * image by now are left alone.
 */
async function giveBack(daemon: Daemon, entries: readonly Entry[]): Promise<void> {
  const taken = new Set((await listEntries(daemon)).flatMap(({ names }) => names));
  for (const { target, names } of entries) {
    for (const name of names) if (!taken.has(name)) await giveName(daemon.api, target, name);
  }
}
