import type { EngineId } from '../../common/engine-id.ts';
import { Semaphore } from '../../common/semaphore.ts';
import { type ResolvedImage, sizeOf } from '../../image/resolved.ts';
import { aheadBy } from '../ahead.ts';
import {
  footprintOf,
  lackingOf,
  type Places,
  UNPACKED_AT_A_TIME,
} from '../containers-storage/footprint.ts';
import type { Depot, ImageBytes } from '../depot.ts';
import type { Images, Pins } from '../engine.ts';
import { atHand } from '../fetch/at-hand.ts';
import { OneAtATime } from '../fetch/one-at-a-time.ts';
import type { Keeper } from '../pins/labels.ts';
import { Seals } from '../pins/seals.ts';
import { Strangers } from '../pins/strangers.ts';
import type { PodmanApi } from './api/api.ts';
import { cgroupParentOf, type Settings } from './api/settings.ts';
import { fetchImage, type Pull } from './fetch/fetch.ts';
import { loadImage } from './fetch/load.ts';
import { partialImage } from './fetch/partial-image.ts';
import { removePartialImages } from './fetch/remove-partial-images.ts';
import { hasImage, listImages } from './images/images.ts';
import { tagImage } from './images/names.ts';
import { removeImage } from './images/remove.ts';
import type { Moorings } from './pins/holds.ts';
import { roomFor } from './pins/locks.ts';
import { genuinePins, listPins, pinImages } from './pins/pin.ts';
import { tidyPins } from './pins/tidy.ts';
import { unpinImages } from './pins/unpin.ts';

/** The tools that the parts of the engine share. */
export interface Podman {
  readonly api: PodmanApi;
  readonly settings: Settings;
  readonly moorings: Moorings;
  /** Where podman before 4.6 finds its configuration. */
  readonly environment: NodeJS.ProcessEnv;
  readonly depot: Depot | undefined;
  readonly places: () => Promise<Places>;
  /** The layers that podman has, as `readLayers` gives them. */
  readonly layers: () => Promise<readonly (readonly string[])[]>;
  /** Brings an image that is not on this machine. */
  readonly pull: Pull;
}

/**
 * The number of images fetched at a time: enough that the next image has arrived when podman is ready to
 * unpack it.
 */
const CONCURRENCY = 8;

export function imagesOf(podman: Podman): Images {
  const { api, moorings, depot } = podman;
  return {
    concurrency: CONCURRENCY,
    depot,
    idOf: (image) => image.config,
    images: () => listImages(api),
    has: (id) => hasImage(api, id),
    footprint: async (images) => {
      const chains = images.length === 0 ? [] : await podman.layers();
      return footprintOf(images, chains, await podman.places(), depot);
    },
    freed: async (ids) =>
      (await listImages(api)).reduce((sum, { id, size }) => sum + (ids.has(id) ? size : 0), 0),
    ...fetching(podman),
    tag: (id, name) => tagImage(moorings, id, name),
    remove: (id) => removeImage(api, id),
  };
}

function fetching({ api, depot, layers, pull }: Podman): Pick<Images, 'fetch' | 'unpackAhead'> {
  const fetches = new OneAtATime();
  const unpacking = new Semaphore(UNPACKED_AT_A_TIME);
  const lacking = async (image: ResolvedImage) => lackingOf(image, await layers());
  const load = async (image: ResolvedImage, from: ImageBytes, signal: AbortSignal) =>
    loadImage(api, image, await lacking(image), from, { signal }, { isNamed: false });
  return {
    fetch: (image, source, watch) => {
      const here = () => atHand(image, source, depot, () => lacking(image), watch?.signal);
      const fetch = () => fetchImage(api, pull, image, source, here, watch);
      return fetches.run(image.blobs, () => unpacking.run(sizeOf(image.blobs), fetch));
    },
    unpackAhead:
      depot &&
      ((image, signal) => {
        const unpack = async (count: number) => {
          const partial = await partialImage(image, count, depot.images);
          if (partial === undefined) return;
          await unpacking.run(0, () => load(partial.image, partial.from, signal));
        };
        return aheadBy(unpack, () => removePartialImages(api, image.config));
      }),
  };
}

export function pinsOf({ settings, moorings, environment }: Podman): Required<Pins> {
  const pinning = new Semaphore(1);
  const cgroupParent = async () => cgroupParentOf(await settings.recent());
  return {
    pins: () => listPins(moorings),
    genuine: (pins) => genuinePins(moorings, pins),
    roomFor: (root, count) => roomFor(moorings, settings, environment, root, count),
    // Two at once would each make a pod for the root, and each pod takes a lock.
    pin: (root, images) => pinning.run(0, () => pinImages(moorings, root, images, cgroupParent)),
    unpin: (pins) => unpinImages(moorings, pins),
    tidyPins: async () => {
      await tidyPins(moorings);
      await removePartialImages(moorings.api);
    },
  };
}

export interface MooringsOptions {
  readonly api: PodmanApi;
  readonly engine: EngineId;
  readonly keeper: Keeper;
  readonly pinKey: string;
  readonly warn: ((message: string) => void) | undefined;
}

export function mooringsOf({ api, engine, keeper, pinKey, warn }: MooringsOptions): Moorings {
  const strangers = new Strangers('podman', warn ?? (() => undefined));
  return {
    api,
    engine,
    keeper,
    seals: new Seals(pinKey),
    onStranger: (stranger) => strangers.see(stranger),
  };
}
