import type { EngineId } from '../../common/engine-id.ts';
import { BerthError } from '../../common/errors.ts';
import type { Meaning } from '../../engine/depot.ts';
import type { Engine } from '../../engine/engine.ts';
import { type BlobPlace, storedImage } from '../../engine/fetch/stored-image.ts';
import type { ShippedImages } from '../../oci/local-images.ts';
import type { RecordImage } from '../../state/record.ts';
import type { Context } from '../context.ts';
import { type Situation, situationOn } from '../situation.ts';

/** Images that engines of this host have as registries do, by the digests for which a name stands. */
export type Copies = ReadonlyMap<string, ShippedImages>;

export const NO_COPIES: Copies = new Map();

/**
 * Finds lost images in engines of this host, those of the root and any other that runs. An image that lies whole in
 * berth's own store is not looked for.
 */
export async function copiesOf(
  context: Context,
  situation: Situation,
  lost: readonly RecordImage[],
): Promise<Copies> {
  const meanings = new Map(
    lost
      .filter((image) => !isInStore(image, situation))
      .flatMap(meaningsOf)
      .map((meaning) => [keyOf(meaning), meaning] as const),
  );
  if (meanings.size === 0) return NO_COPIES;
  const places = await placesOf(context, situation);
  const copies = new Map<string, ShippedImages>();
  for (const [key, meaning] of meanings) {
    const copy = places.length === 0 ? undefined : await storedImage(places, meaning);
    if (copy !== undefined) copies.set(key, copy);
  }
  return copies;
}

/** The copy of an image for one of its names. */
export function copyOf(copies: Copies, meaning: Meaning): ShippedImages | undefined {
  return copies.get(keyOf(meaning));
}

/** Whether there is a copy of an image for any of its names. */
export function hasCopy(copies: Copies, image: RecordImage): boolean {
  return meaningsOf(image).some((meaning) => copies.has(keyOf(meaning)));
}

function meaningsOf({ names, manifest, platform, artifact }: RecordImage): readonly Meaning[] {
  if (artifact === true) return [];
  return names.map(({ digest }) => ({ digest, manifest, platform }));
}

function keyOf({ digest, manifest }: Meaning): string {
  return `${digest} ${manifest}`;
}

function isInStore(image: RecordImage, situation: Situation): boolean {
  const { depot } = situationOn(situation, image.engine).engine;
  if (depot === undefined) return false;
  const { manifest, platform } = image;
  return image.names.every(({ name, digest }) => {
    const found = depot.find(name, { digest, manifest, platform });
    return found !== undefined && depot.missing(found.blobs).length === 0;
  });
}

/** The engines that keep blobs. */
async function placesOf(context: Context, situation: Situation): Promise<readonly BlobPlace[]> {
  const { engines } = context;
  const present = (await engines.present?.()) ?? [];
  const ids = new Set([...situation.engines.keys(), ...present]);
  const opened = await Promise.all([...ids].map((id) => unlessFailed(context, id)));
  return opened.flatMap((engine) => {
    const find = engine?.findBlob;
    return engine === undefined || find === undefined ? [] : [{ called: engine.id, find }];
  });
}

/** An engine that can't be opened has nothing to give. */
async function unlessFailed(
  { engines, signal }: Context,
  id: EngineId,
): Promise<Engine | undefined> {
  try {
    return await engines.open(id);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof BerthError)) throw error;
    return undefined;
  }
}
