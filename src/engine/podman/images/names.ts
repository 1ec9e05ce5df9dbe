import { parseName } from '../../../image/name.ts';
import { EngineError } from '../../errors.ts';
import type { PodmanApi } from '../api/api.ts';
import { refused } from '../api/failure.ts';
import type { Moorings } from '../pins/holds.ts';
import { listPins } from '../pins/pin.ts';
import { hexOf, listImage } from './images.ts';

/**
 * Makes a tagged name mean the image, and moves the name if it meant another.
 *
 * The name by digest under which berth fetched the image is then removed, unless a pin needs it: `podman
 * rmi NAME` silently removes one of two names, but refuses to remove the last name of an image that a
 * container holds.
 */
export async function tagImage(moorings: Moorings, id: string, name: string): Promise<void> {
  const { api } = moorings;
  await giveName(api, id, name);
  const pins = (await listPins(moorings)).filter((pin) => pin.id === id);
  if (!pins.some(({ fetched }) => fetched)) return;
  const served = new Set(pins.flatMap((pin) => pin.names.map((pinned) => pinned.name)));
  const names = (await listImage(api, id)).flatMap((image) => image.Names ?? []);
  for (const other of new Set(names)) {
    if (other.includes('@') && !served.has(other)) await untag(api, id, other);
  }
}

/** Makes a tagged name mean the image, and moves the name if it meant another. */
export async function giveName(api: PodmanApi, id: string, name: string): Promise<void> {
  const { registry, repository, tag = 'latest' } = parseName(name);
  const query = { repo: `${registry}/${repository}`, tag };
  const path = `/images/${hexOf(id)}/tag`;
  if ((await api.status({ method: 'POST', path, query }, 201, 404)) === 201) return;
  throw new EngineError('no-such-image', `${id} can't be named ${name}: podman does not have it`, {
    hint: 'it was removed meanwhile; run the same command again',
  });
}

/** Removes one name, with a tag or a digest. */
export async function untag(api: PodmanApi, id: string, name: string): Promise<void> {
  const path = `/images/${hexOf(id)}/untag`;
  // podman accepts a digest only in the form `repo=X@sha256&tag=HEX`.
  const [, repo = name, tag = ''] = /^(.*):([^:/]*)$/.exec(name) ?? [];
  const reply = await api.send({ method: 'POST', path, query: { repo, tag } });
  // Somebody else removed the name first; the removal of the image that follows will tell.
  if (reply.status === 404 || reply.body.includes('tag not known')) return;
  if (reply.status !== 201) throw refused({ method: 'POST', path }, reply);
}
