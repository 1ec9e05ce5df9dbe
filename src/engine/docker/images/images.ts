import type { InferOutput } from 'valibot';
import { byDigest, isTag } from '../../../image/name.ts';
import type { EngineImage } from '../../engine.ts';
import type { Pin } from '../../pin.ts';
import type { Daemon } from '../api/daemon.ts';
import { listedImage } from '../api/replies.ts';
import { familiarOf, fullNames } from './names.ts';

type Listed = InferOutput<typeof listedImage>;

/** An image as docker lists it. */
export interface Entry extends EngineImage {
  /** docker's id. */
  readonly target: string;
}

/**
 * Every whole image of docker, in one call. That takes containerd's store 5 ms for each image, so whoever needs a single
 * image asks for those of its repository.
 *
 * @param name only images with a name in the repository of this name. docker's own store lists all, but no more slowly.
 */
export async function listEntries(
  { api, ids, settings }: Daemon,
  name?: string,
): Promise<readonly Entry[]> {
  const { store } = await settings.recent();
  const isNarrow = name !== undefined && store === 'containerd';
  const filters = isNarrow ? { filters: JSON.stringify({ reference: [familiarOf(name)] }) } : {};
  // Without `all`, docker leaves out images from which others were built.
  const query = { all: '1', manifests: '1', ...filters };
  const listed = await api.list(listedImage, { method: 'GET', path: '/images/json', query });
  const isWholeHere = (image: Listed) => isWhole(image, ids.find(image.Id)?.manifest);
  return listed.filter(isWholeHere).map(({ Id, RepoTags, RepoDigests, Size }) => {
    const names = fullNames([...(RepoTags ?? []), ...(RepoDigests ?? [])]);
    const digests = names.filter((name) => !isTag(name));
    return { id: ids.of(Id), target: Id, names: names.filter(isTag), digests, size: Size };
  });
}

/**
 * containerd's image store may have an image without its layers: docker 28 says so for each platform, and docker
 * 26 leaves the image out of the list.
 *
 * @param manifest of the image that docker runs, if that is known; of others, of which an index may have several,
 *   nothing depends.
 */
function isWhole({ Manifests }: Listed, manifest: string | undefined): boolean {
  const images = (Manifests ?? []).filter(({ Kind }) => Kind === 'image');
  const own = images.find(({ ID }) => ID === manifest);
  if (own !== undefined) return own.Available === true;
  return images.length === 0 || images.some(({ Available }) => Available === true);
}

/** Every image, with all of its names, and the digests for which pins vouch. */
export async function listImages(
  daemon: Daemon,
  pins: () => Promise<readonly Pin[]>,
): Promise<readonly EngineImage[]> {
  const [listed, vouching] = await Promise.all([listEntries(daemon), pins()]);
  const vouched = vouchedBy(vouching);
  const entries = Map.groupBy(listed, ({ id }) => id);
  return [...entries].map(([id, own]) => {
    const digests = vouched.get(id);
    return {
      id,
      names: [...new Set(own.flatMap(({ names }) => names))],
      digests: [...new Set(own.flatMap((entry) => entry.digests))],
      size: own.reduce((most, { size }) => Math.max(most, size), 0),
      ...(digests === undefined ? {} : { vouched: [...digests] }),
    };
  });
}

/**
 * The names by digest that pins of berth give to images, for each id: the own store of docker keeps no digest
 * of an image that it loaded, and containerd's forgets the digest with the last name. Only a seal makes sure
 * that the image is the one that berth loaded for that digest.
 */
function vouchedBy(pins: readonly Pin[]): ReadonlyMap<string, ReadonlySet<string>> {
  const vouched = new Map<string, Set<string>>();
  for (const { id, names, sealed } of pins) {
    if (sealed !== true) continue;
    const digests = vouched.get(id) ?? new Set();
    for (const { name, digest } of names) if (isTag(name)) digests.add(byDigest(name, digest));
    vouched.set(id, digests);
  }
  return vouched;
}

/** Whether docker has the image, whole. */
export async function hasImage(daemon: Daemon, id: string): Promise<boolean> {
  return (await listEntries(daemon)).some((entry) => entry.id === id);
}
