import { EngineError } from '../errors.ts';
import type { PinRequest } from '../pin.ts';
import { assertReadable, type Hold, says } from './holds.ts';

/** The number of rounds before berth reports that somebody else keeps undoing its pins. */
const MAX_ROUNDS = 8;

/** How one engine makes pins, and how it removes them. */
export interface Pinning {
  /** A round adds the pins that it makes to the set, and returns whether there was anything to do. */
  readonly round: (made: Set<string>) => Promise<boolean>;
  /** The whole pins in the engine. Only those that were made are looked for. */
  readonly holds: (made: ReadonlySet<string>) => Promise<readonly Hold[]>;
  readonly remove: (container: string) => Promise<void>;
  /** Removes what groups the pins of the root in the engine, such as a pod, if it is empty. */
  readonly tidy?: () => Promise<void>;
  /** What to do if somebody else keeps undoing the pins. */
  readonly hint: string;
}

/**
 * Pins images in rounds. Each round looks at what exists and does the next missing step, new before old. When
 * nothing is left to do, everything is checked once more. So pinning also succeeds while another process pins or
 * unpins, and after an earlier run was killed. If it fails, nothing stays of pins that did not come to be.
 */
export async function pinInRounds(
  root: string,
  requests: readonly PinRequest[],
  pinning: Pinning,
): Promise<void> {
  for (const request of requests) assertReadable(root, request);
  const made = new Set<string>();
  try {
    for (let count = 0; count < MAX_ROUNDS; count++) if (!(await pinning.round(made))) return;
    throw undone(root, pinning.hint);
  } catch (error) {
    await quietly(async () => {
      await takeBack(made, requests, pinning);
      await pinning.tidy?.();
    });
    throw error;
  }
}

/** Removes what was made for pins that did not come to be; pins that did are kept for the next try. */
async function takeBack(
  made: ReadonlySet<string>,
  requests: readonly PinRequest[],
  { holds, remove }: Pinning,
): Promise<void> {
  if (made.size === 0) return;
  const good = (await holds(made)).filter((hold) =>
    requests.some((request) => says(hold, request)),
  );
  const kept = new Set(good.map(({ container }) => container));
  for (const container of made) if (!kept.has(container)) await remove(container);
}

/** Ignores failures of an engine: why images could not be pinned says more than why something was not removed. */
async function quietly(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
  }
}

function undone(root: string, hint: string): EngineError {
  return new EngineError('engine-failed', `somebody else keeps changing the pins of ${root}`, {
    hint,
  });
}
