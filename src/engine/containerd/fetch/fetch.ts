import { Semaphore } from '../../../common/semaphore.ts';
import { type ResolvedImage, sizeOf } from '../../../image/resolved.ts';
import type { Registry } from '../../../registry/registry.ts';
import type { Depot } from '../../depot.ts';
import type { Images } from '../../engine.ts';
import { EngineError } from '../../errors.ts';
import { type AtHand, atHand } from '../../fetch/at-hand.ts';
import { OneAtATime } from '../../fetch/one-at-a-time.ts';
import type { FetchWatch } from '../../fetch-watch.ts';
import { accessOf, type Source, signaturesBeside } from '../../source.ts';
import type { Target } from '../api/names.ts';
import { lackingOf } from '../images/footprint.ts';
import type { Inventory } from '../images/inventory.ts';
import { fetchedName, giveName } from '../images/naming.ts';
import type { Moorings } from '../pins/pin.ts';
import { fromRegistry } from './from-registry.ts';
import { storeImage } from './store.ts';

/** The tools with which images are fetched. */
export interface Fetching extends Moorings {
  readonly registry: Registry;
  readonly depot: Depot | undefined;
  /** Has containerd pull an image by itself; undefined if this containerd can't. */
  readonly pull: Pull | undefined;
}

/**
 * Pulls an image by its digest, and names it so.
 *
 * @returns false if containerd can't pull this image by itself.
 */
export type Pull = (
  name: string,
  image: ResolvedImage,
  source: Source,
  watch: FetchWatch,
) => Promise<boolean>;

/** In milliseconds: one day. An image may be large and a link slow; `withProgress` notices silence. */
export const LONGEST_PULL = 24 * 60 * 60_000;

/** How many images are unpacked at a time: more would slow each other down. */
const UNPACKED_AT_A_TIME = 2;

/** What fetches of one engine must not do at the same time. */
interface Turns {
  /** berth brings a blob once. Pulls of containerd wait for each other by themselves. */
  readonly blobs: OneAtATime;
  readonly unpacking: Semaphore;
}

export function fetchingBy(tools: Fetching): Images['fetch'] {
  const turns = { blobs: new OneAtATime(), unpacking: new Semaphore(UNPACKED_AT_A_TIME) };
  return (image, source, watch = {}) => fetchImage(tools, turns, image, source, watch);
}

/**
 * Fetches an image: names what is there, else stores what is on this machine, else has containerd pull the
 * image, or downloads it.
 */
async function fetchImage(
  tools: Fetching,
  turns: Turns,
  image: ResolvedImage,
  source: Source,
  watch: FetchWatch,
): Promise<string> {
  const { containerd } = tools;
  const { inventory } = await tools.look();
  const name = fetchedName(image);
  const present = presentTarget(inventory, image);
  if (present === undefined) await bring(tools, turns, inventory, image, source, watch);
  else if (!isNamed(inventory, name, present)) {
    await giveName(containerd, inventory, image.config, name, present);
  }
  const after = (await tools.look()).inventory;
  const target = presentTarget(after, image);
  if (target === undefined || !isNamed(after, name, target)) {
    throw new EngineError('engine-failed', `${name} was fetched but is not there`, {
      hint: 'see whether something else removes images, then run the same command again',
    });
  }
  watch.onBytes?.(sizeOf(image.blobs));
  return image.config;
}

/** The document for which the name by digest has to stand, if containerd has the image and that document. */
function presentTarget({ images, content }: Inventory, image: ResolvedImage): Target | undefined {
  const found = images.get(image.config);
  const target = found?.targets.find(({ digest }) => digest === image.digest);
  return target !== undefined && content.has(image.digest) ? target : undefined;
}

function isNamed({ names }: Inventory, name: string, { digest }: Target): boolean {
  return names.some((each) => each.name === name && each.target.digest === digest);
}

async function bring(
  tools: Fetching,
  turns: Turns,
  inventory: Inventory,
  image: ResolvedImage,
  source: Source,
  watch: FetchWatch,
): Promise<void> {
  const { depot, registry, pull } = tools;
  const { signal } = watch;
  const lacking = lackingOf(image, inventory);
  const here = await atHand(image, source, depot, async () => lacking, signal);
  const permit = depot ?? registry;
  const beside = () => signaturesBeside(source, image);
  await permit.permit(image, accessOf(source), { signal, beside });
  if (here === undefined) {
    if ((await pull?.(fetchedName(image), image, source, watch)) === true) return;
    const bytes = await fromRegistry(registry, image, accessOf(source), signal);
    await turns.blobs.run(image.blobs, () =>
      store(tools, inventory, image, { from: bytes, blobs: lacking }, watch),
    );
    return;
  }
  await turns.blobs.run(image.blobs, () =>
    turns.unpacking.run(sizeOf(here.blobs), () => store(tools, inventory, image, here, watch)),
  );
}

/**
 * Stores the blobs that containerd lacks.
 *
 * @throws {EngineError} `no-such-image` if the source lacks any of them, as a bundle without known layers does.
 */
async function store(
  { containerd, documents }: Fetching,
  inventory: Inventory,
  image: ResolvedImage,
  { from, blobs }: Pick<AtHand, 'blobs'> & { readonly from: Parameters<typeof storeImage>[4] },
  watch: FetchWatch,
): Promise<void> {
  const lacking = lackingOf(image, inventory);
  const given = new Set(blobs.map(({ digest }) => digest));
  const absent = lacking.filter(({ digest }) => !given.has(digest)).length;
  if (absent > 0) {
    const message = `${image.name} was not stored: ${absent} of its blobs are not at hand, and containerd does not have them`;
    throw new EngineError('no-such-image', message, {
      hint: 'load the bundle again, a whole one, or stage where a registry can be reached',
    });
  }
  const name = (target: Target) =>
    giveName(containerd, inventory, image.config, fetchedName(image), target);
  await storeImage(containerd, documents, image, lacking, from, watch, name);
}
