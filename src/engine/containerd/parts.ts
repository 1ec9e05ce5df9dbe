import type { Images, Pins } from '../engine.ts';
import { findContent } from './api/content.ts';
import type { Settings } from './api/settings.ts';
import { type Fetching, fetchingBy } from './fetch/fetch.ts';
import { footprintOf } from './images/footprint.ts';
import { freedBy } from './images/freed.ts';
import { engineImages } from './images/images.ts';
import { tagImage } from './images/naming.ts';
import { removeImage } from './images/remove.ts';
import { listPins, type Moorings, pinImages, unpinImages } from './pins/pin.ts';

/** The number of images fetched at a time: enough that one is downloaded while another is unpacked. */
const CONCURRENCY = 4;

export function imagesOf(tools: Fetching, settings: () => Promise<Settings>): Images {
  const { containerd, depot } = tools;
  const inventory = async () => (await tools.look()).inventory;
  return {
    concurrency: CONCURRENCY,
    depot,
    // The id that the CRI uses: the same for an image that was pulled, by an index or a manifest, and one that
    // berth stored.
    idOf: (image) => image.config,
    images: async () => engineImages(await inventory()),
    has: async (image) => (await inventory()).images.has(image),
    footprint: async (images) => footprintOf(images, await inventory(), await settings(), depot),
    freed: async (ids) => (ids.size === 0 ? 0 : freedBy(containerd, await inventory(), ids)),
    fetch: fetchingBy(tools),
    findBlob: (digest) => findContent(containerd, digest),
    tag: async (image, name) => tagImage(containerd, await inventory(), image, name),
    remove: async (image) => {
      const { inventory: found, holds } = await tools.look();
      return removeImage(containerd, found, holds, image);
    },
  };
}

export function pinsOf(moorings: Moorings): Pins {
  return {
    pins: () => listPins(moorings),
    // containerd's database takes as many leases as its disk holds.
    roomFor: async () => undefined,
    pin: (root, images) => pinImages(moorings, root, images),
    unpin: (pins) => unpinImages(moorings, pins),
  };
}
