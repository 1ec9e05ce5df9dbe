import type { BerthError } from '../../common/errors.ts';
import type { Depot } from '../../engine/depot.ts';
import type { Traits } from '../../engine/engine.ts';
import { type Use, useOfBlobs } from '../../engine/footprint.ts';
import { type Blob, distinctBlobs, sizeOf } from '../../image/resolved.ts';
import { RegistryError } from '../../registry/errors.ts';
import type { Registry } from '../../registry/registry.ts';
import type { Needed, WantedImage } from './needed.ts';
import type { Space } from './space.ts';

/**
 * How the images of an engine come: `direct` into the engine; by way of its depot (`two-steps`); or they
 * wait there (`download`).
 */
export type Way = 'direct' | 'two-steps' | 'download';

/** The needs of one engine of a root, and the ways that are open to its images. */
export interface EngineNeeds {
  readonly needed: Needed;
  readonly depot: Pick<Depot, 'directory'> | undefined;
  /** Whether the images can only wait: the engine is absent, or they are to be downloaded alone. */
  readonly waits: boolean;
  /** Whether the images must not come directly: the engine would pull with other credentials. */
  readonly onlyByDepot: boolean;
  /** Whether the images should come by the depot: see `isDepotWorthwhile`. */
  readonly byDepot: boolean;
  /** Whether `byDepot` holds only if the registries are far, which the stage will find out. */
  readonly directIfNear: boolean;
}

/**
 * The ways for the engines of a plan, the best choice first: a way for each engine, in order. What lies in
 * the depot already makes the way by the depot worth while, so do the reasons of `isDepotWorthwhile`, and what
 * two engines need is downloaded once that way; `direct` takes less space.
 */
export function possibleWays(engines: readonly EngineNeeds[]): readonly (readonly Way[])[] {
  const shared = sharedBlobs(engines);
  const best = engines.map((one): Way => {
    if (one.depot === undefined) return 'direct';
    if (one.waits) return 'download';
    return one.byDepot || mustUseDepot(one, shared) ? 'two-steps' : 'direct';
  });
  const least = engines.map((one, index): Way => {
    const way = best[index] ?? 'direct';
    return way === 'two-steps' && !one.onlyByDepot ? 'direct' : way;
  });
  return best.join() === least.join() ? [best] : [best, least];
}

/** Whether some images come by the depot only as long as their registry is not found to be near. */
export function mayBeDirect(engines: readonly EngineNeeds[], ways: readonly Way[]): boolean {
  const shared = sharedBlobs(engines);
  return engines.some(
    (one, index) => one.directIfNear && ways[index] === 'two-steps' && !mustUseDepot(one, shared),
  );
}

/** Whether images come by the depot wherever their registries are. */
function mustUseDepot({ needed, onlyByDepot }: EngineNeeds, shared: ReadonlySet<string>): boolean {
  const isShared = needed.downloads.some(({ digest }) => shared.has(digest));
  return isShared || onlyByDepot || needed.inDepot.length > 0;
}

/** The blobs that more than one engine lacks. */
function sharedBlobs(engines: readonly EngineNeeds[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const shared = new Set<string>();
  for (const { needed } of engines) {
    for (const { digest } of needed.downloads) {
      if (seen.has(digest)) shared.add(digest);
      seen.add(digest);
    }
  }
  return shared;
}

/**
 * The blobs that come over the network: once into the depots, which are one store, and once more for each
 * engine that pulls by itself.
 */
export function downloadsOf(
  engines: readonly EngineNeeds[],
  ways: readonly Way[],
): { readonly intoDepot: readonly Blob[]; readonly direct: readonly Blob[] } {
  const through = engines.filter((_, index) => ways[index] !== 'direct');
  const direct = engines.filter((_, index) => ways[index] === 'direct');
  return {
    intoDepot: distinctBlobs(through.flatMap(({ needed }) => needed.downloads)),
    direct: direct.flatMap(({ needed }) => needed.downloads),
  };
}

/** The bytes that come over the network: a blob that comes to two engines directly counts twice. */
export function bytesDownloaded({ intoDepot, direct }: ReturnType<typeof downloadsOf>): number {
  return [...intoDepot, ...direct].reduce((sum, { size }) => sum + size, 0);
}

/** The bytes that the ways write to file systems, those of the first engine first. */
export function usesOf(engines: readonly EngineNeeds[], ways: readonly Way[]): readonly Use[] {
  const own = engines.flatMap(({ needed }, index) => {
    if (ways[index] === 'direct') return needed.direct;
    return ways[index] === 'two-steps' ? (needed.fromDepot ?? []) : [];
  });
  const through = engines.filter((_, index) => ways[index] !== 'direct');
  const [depot] = through.flatMap((one) => one.depot ?? []);
  if (depot === undefined) return own;
  const documents = through.reduce((sum, { needed }) => sum + needed.images, 0);
  const all = useOfBlobs(depot.directory, downloadsOf(engines, ways).intoDepot, documents);
  return [...own, { ...all, stays: sizeOf(waitingBlobs(engines, ways)) }];
}

/** The blobs that wait in the depot when the stage has ended. What an engine takes from there is removed. */
function waitingBlobs(engines: readonly EngineNeeds[], ways: readonly Way[]): readonly Blob[] {
  const waiting = engines.filter((_, index) => ways[index] === 'download');
  return distinctBlobs(waiting.flatMap(({ needed }) => needed.downloads));
}

/** The ways of the engines, with the space that they need, and the error if there is too little. */
export interface ChosenWays {
  readonly ways: readonly Way[];
  readonly space: readonly Space[];
  readonly lack: BerthError | undefined;
}

/** The first ways for which there is room, else the last ways with their lack. */
export async function chooseWays(
  engines: readonly EngineNeeds[],
  spaceFor: (uses: readonly Use[]) => Promise<readonly Space[]>,
  lackOf: (space: readonly Space[], bytes: number) => Promise<BerthError | undefined>,
): Promise<ChosenWays> {
  let last: ChosenWays = { ways: [], space: [], lack: undefined };
  for (const ways of possibleWays(engines)) {
    const space = await spaceFor(usesOf(engines, ways));
    const bytes = bytesDownloaded(downloadsOf(engines, ways));
    last = { ways, space, lack: await lackOf(space, bytes) };
    if (last.lack === undefined) break;
  }
  return last;
}

/** In milliseconds: a registry in the same network replies sooner. */
const REMOTE_REPLY_MS = 10;

/** In bytes: so much is written twice more without a delay that anybody would notice. */
const SMALL = 64 * 1024 * 1024;

/**
 * Whether images should come by the depot, although the engine could pull them. They are then written twice more,
 * and downloaded while the engine unpacks what came before: where registries are near, that costs time (podman,
 * 8 images of 300 MB, measured: 13.8 s so and 12.9 s one by one from loopback, 17.9 s and 24.0 s at 30 ms and 200 Mbit/s).
 *
 * An engine that pulls by itself asks for the documents that planning has fetched already, and a registry that limits
 * pulls counts them once more. So an engine that knows an image from the depot as after a pull takes it from there,
 * but for much from a registry in the same network. Another engine does so for two images from afar.
 *
 * @param downloaded the images of which blobs are missing.
 * @param bytes how much is missing of them.
 * @param isFar whether the registry of an image is in another network.
 */
export async function isDepotWorthwhile(
  registry: Pick<Registry, 'foresee'>,
  { loadsAsPulled = false }: Pick<Traits, 'loadsAsPulled'>,
  downloaded: readonly WantedImage[],
  bytes: number,
  isFar: (image: WantedImage) => Promise<boolean>,
): Promise<boolean> {
  if (!loadsAsPulled && new Set(downloaded.map(({ id }) => id)).size < 2) return false;
  const isQuick = loadsAsPulled && bytes <= SMALL;
  for (const wanted of downloaded) {
    if (wanted.source.from === 'layout') continue;
    if (!isQuick && !(await isFar(wanted))) continue;
    try {
      await registry.foresee(wanted.image.name, 'archives');
      return true;
    } catch (error) {
      // The engine pulls the image then, and judges it, or the policy, itself.
      if (!(error instanceof RegistryError)) throw error;
    }
  }
  return false;
}

/** Whether the registry of an image takes as long to reply as those in other networks. */
export async function repliesFromAfar(
  registry: Pick<Registry, 'quickestReply'>,
  { image, source }: WantedImage,
): Promise<boolean> {
  if (source.from === 'layout') return false;
  const reply = await registry.quickestReply(image.name, source.access);
  return reply !== undefined && reply >= REMOTE_REPLY_MS;
}
