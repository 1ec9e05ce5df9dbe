import type { BerthError } from '../../common/errors.ts';
import type { Use } from '../../engine/footprint.ts';
import { RegistryError } from '../../registry/errors.ts';
import type { Registry } from '../../registry/registry.ts';
import type { Needed, WantedImage } from './needed.ts';
import type { Space } from './space.ts';

/**
 * How images come: `direct` into the engine; by way of its depot (`two-steps`); or they wait there
 * (`download`).
 */
export type Way = 'direct' | 'two-steps' | 'download';

export interface PossibleWay {
  readonly way: Way;
  readonly uses: readonly Use[];
}

/**
 * The ways for a plan, the best first. What lies in the depot already makes the way by the depot worth
 * while, and so does downloading ahead; `direct` takes less space.
 */
export function possibleWays(
  { inDepot, direct, depot }: Pick<Needed, 'inDepot' | 'direct' | 'depot'>,
  { downloadOnly, ahead }: { readonly downloadOnly: boolean; readonly ahead: boolean },
): readonly PossibleWay[] {
  const straight = { way: 'direct', uses: direct } as const;
  if (depot === undefined) return [straight];
  if (downloadOnly) return [{ way: 'download', uses: depot.waiting }];
  if (inDepot.length === 0 && !ahead) return [straight];
  return [{ way: 'two-steps', uses: depot.unpacked }, straight];
}

/** A way, with the space that it needs on each file system, and the error if there is too little. */
export interface ChosenWay {
  readonly way: Way;
  readonly space: readonly Space[];
  readonly lack: BerthError | undefined;
}

/** The first way for which there is room, else the last way with its lack. */
export async function chooseWay(
  possible: readonly PossibleWay[],
  spaceFor: (uses: readonly Use[]) => Promise<readonly Space[]>,
  lackOf: (space: readonly Space[]) => Promise<BerthError | undefined>,
): Promise<ChosenWay> {
  let last: ChosenWay | undefined;
  for (const { way, uses } of possible) {
    const space = await spaceFor(uses);
    last = { way, space, lack: await lackOf(space) };
    if (last.lack === undefined) break;
  }
  return last ?? { way: 'direct', space: [], lack: undefined };
}

/** In milliseconds: a registry in the same network replies sooner. */
const REMOTE_REPLY_MS = 10;

/**
 * Whether to download while the engine unpacks what came before. It then writes each image twice
 * more, which costs what is won where registries are near (measured: 12.6 s one by one and 13.3 s so
 * from loopback, 23.2 s and 17.0 s at 30 ms and 200 Mbit/s).
 *
 * @param downloaded the images of which blobs are missing.
 */
export async function isAheadWorthwhile(
  registry: Pick<Registry, 'quickestReply' | 'foresee'>,
  downloaded: readonly WantedImage[],
): Promise<boolean> {
  if (new Set(downloaded.map(({ id }) => id)).size < 2) return false;
  for (const { image, source } of downloaded) {
    if (source.from === 'layout') continue;
    const reply = await registry.quickestReply(image.name, source.access);
    if (reply === undefined || reply < REMOTE_REPLY_MS) continue;
    try {
      await registry.foresee(image.name, 'archives');
      return true;
    } catch (error) {
      // The engine pulls the image then, and judges it, or the policy, itself.
      if (!(error instanceof RegistryError)) throw error;
    }
  }
  return false;
}
