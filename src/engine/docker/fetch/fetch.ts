import { byDigest, isTag } from '../../../image/name.ts';
import { type ResolvedImage, sizeOf } from '../../../image/resolved.ts';
import type { Access } from '../../../registry/access.ts';
import { EngineError } from '../../errors.ts';
import type { AtHand } from '../../fetch/at-hand.ts';
import type { FetchWatch } from '../../fetch-watch.ts';
import { accessOf, type Source } from '../../source.ts';
import type { LatestSettings } from '../api/settings.ts';
import { freeDigest } from '../images/free-digest.ts';
import { hasImage } from '../images/images.ts';
import { targetKnownAs } from '../images/targets.ts';
import type { Moorings } from '../pins/holds.ts';
import type { Orphans } from '../pins/orphans.ts';
import { loadImage } from './load.ts';

/** The tools of a fetch. */
export interface Fetching {
  readonly moorings: Moorings;
  readonly orphans: Orphans;
  /** Finds the image on this machine. */
  readonly atHand: () => Promise<AtHand | undefined>;
  readonly pull: (name: string, access: Access, watch: FetchWatch) => Promise<void>;
}

/**
 * Has docker load an image that is on this machine, or else pull it by its digest.
 *
 * @param id the engine's id of the image.
 */
export async function fetchImage(
  fetching: Fetching,
  id: string,
  image: ResolvedImage,
  source: Source,
  watch: FetchWatch = {},
): Promise<string> {
  if (!(await isKnown(fetching, id, image))) {
    const bring = () => bringImage(fetching, id, image, source, watch);
    const isOwn = fetching.moorings.settings.latest.store === 'own';
    await (isOwn ? bring() : fetching.orphans.without(bring));
  }
  watch.onBytes?.(sizeOf(image.blobs));
  return id;
}

async function bringImage(
  fetching: Fetching,
  id: string,
  image: ResolvedImage,
  source: Source,
  watch: FetchWatch,
): Promise<void> {
  const { moorings, atHand, pull } = fetching;
  const { api, settings } = moorings;
  const found = await atHand();
  if (found === undefined || !loadsAs(settings, image)) {
    const name = byDigest(image.name, image.digest);
    if (settings.latest.store === 'own') await freeDigest(moorings, id, name);
    await pullNamed(pull, name, source, found !== undefined, watch);
    if (!(await isKnown(fetching, id, image))) throw notThere(image);
    return;
  }
  // docker's own store keeps no digest of what it loads, so loading an image again would change nothing.
  const isHere = settings.latest.store === 'own' && (await hasImage(moorings, id));
  if (!isHere) await loadImage(api, image, found, watch);
  if (!(await hasImage(moorings, id))) throw notThere(image);
}

/** Whether docker has the whole image under the name by its digest. */
async function isKnown({ moorings }: Fetching, id: string, image: ResolvedImage): Promise<boolean> {
  return (await targetKnownAs(moorings, id, image)) !== undefined;
}

/**
 * Whether docker, once it has loaded an image, knows the image as a unit names it: its own store keeps the
 * digest of an image only if docker has pulled it.
 */
export function loadsAs({ latest }: LatestSettings, { name }: ResolvedImage): boolean {
  return latest.store === 'containerd' || isTag(name);
}

function notThere({ name }: ResolvedImage): EngineError {
  const message = `expected docker to have the whole image ${name} after it was fetched, found that it does not`;
  return new EngineError('engine-failed', message, {
    hint: 'run the same command again; if this persists, remove containers whose image is gone (`docker ps -a`): docker does not download layers that those hold unpacked',
  });
}

/** @param isHere whether the image is on this machine, and pulled all the same. */
async function pullNamed(
  pull: Fetching['pull'],
  name: string,
  source: Source,
  isHere: boolean,
  watch: FetchWatch,
): Promise<void> {
  try {
    await pull(name, accessOf(source), watch);
  } catch (error) {
    if (!isHere || !(error instanceof Error)) throw error;
    const message = `${name} is on this machine, but docker knows an image by its digest only if it has pulled it from the registry: ${error.message}`;
    throw new EngineError('engine-failed', message, {
      hint: 'stage where the registry can be reached, name the image by a tag, or let docker use the image store of containerd (daemon.json, features, containerd-snapshotter)',
      cause: error,
    });
  }
}
