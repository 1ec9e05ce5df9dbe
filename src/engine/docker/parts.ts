import type { Depot } from '../depot.ts';
import type { Images, Pins } from '../engine.ts';
import { atHand } from '../fetch/at-hand.ts';
import type { Pin } from '../pin.ts';
import { withServes } from '../with-fetch.ts';
import { fetchImage, loadsAs } from './fetch/fetch.ts';
import { type PullRights, pullImage } from './fetch/pull.ts';
import { blobIn } from './images/blobs.ts';
import { footprintOf } from './images/footprint.ts';
import { hasImage, listImages } from './images/images.ts';
import { lackingIn } from './images/layers.ts';
import { removeImage } from './images/remove.ts';
import { tagImage } from './images/tag.ts';
import type { Moorings } from './pins/holds.ts';
import { Orphans } from './pins/orphans.ts';
import { pinImages, unpinImages } from './pins/pin.ts';

/** The tools that the parts of the engine share. */
export interface Docker {
  readonly moorings: Moorings;
  readonly rights: PullRights;
  readonly depot: Depot | undefined;
  /** Lists the pins; those who ask at the same time share one list. */
  readonly pins: () => Promise<readonly Pin[]>;
}

/**
 * The number of images fetched at a time. docker itself downloads three layers at once, of whichever images,
 * and unpacks those of different images side by side.
 */
const CONCURRENCY = 8;

export function imagesOf(docker: Docker): Images {
  const { moorings, depot, pins } = docker;
  const { settings } = moorings;
  return {
    concurrency: CONCURRENCY,
    depot: depot && withServes(depot, (image) => loadsAs(settings, image)),
    idOf: (image) => image.config,
    images: () => listImages(moorings, pins),
    has: (id) => hasImage(moorings, id),
    footprint: async (images) => {
      const recent = await settings.recent();
      return footprintOf(images, lackingIn(recent), recent, depot, CONCURRENCY);
    },
    freed: async (ids) =>
      (await listImages(moorings, async () => [])).reduce(
        (sum, { id, size }) => sum + (ids.has(id) ? size : 0),
        0,
      ),
    fetch: fetching(docker),
    findBlob: async (digest) => blobIn(await settings.recent(), digest),
    tag: (id, name) => tagImage(moorings, id, name),
    remove: (id) => removeImage(moorings, id),
  };
}

function fetching({ moorings, rights, depot }: Docker): Images['fetch'] {
  const { api, settings } = moorings;
  const orphans = new Orphans(moorings);
  return async (image, source, watch = {}) => {
    const recent = await settings.recent();
    const lacking = async () => lackingIn(recent)(image);
    return fetchImage(
      {
        moorings,
        orphans,
        atHand: () => atHand(image, source, depot, lacking, watch.signal),
        pull: (name, access, pulled) => pullImage(api, rights, name, image, access, pulled),
      },
      image.config,
      image,
      source,
      watch,
    );
  };
}

export function pinsOf({ moorings, pins: list }: Docker): Pins {
  return {
    pins: list,
    // Only pins that are made as berth makes them are listed at all.
    genuine: async (pins) => pins,
    // docker makes as many containers as its disk holds.
    roomFor: async () => undefined,
    pin: (root, images) => pinImages(moorings, root, images),
    unpin: (pins) => unpinImages(moorings, pins),
  };
}
