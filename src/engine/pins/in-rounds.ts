import { EngineError } from '../errors.ts';
import type { PinRequest } from '../pin.ts';
import { assertReadable } from './holds.ts';

/** The number of rounds before berth reports that somebody else keeps undoing its pins. */
const MAX_ROUNDS = 8;

/**
 * Pins images in rounds. Each round looks at what exists and does the next missing step, new before old. When
 * nothing is left to do, everything is checked once more. So pinning also succeeds while another process pins or
 * unpins, and after an earlier run was killed. If it fails, nothing stays of what was made for it.
 *
 * @param round adds what it makes to the set, and returns whether there was anything to do.
 * @param hint what to do if somebody else keeps undoing the pins.
 * @param takeBack removes what was made for pins that did not come to be.
 */
export async function pinInRounds(
  root: string,
  requests: readonly PinRequest[],
  round: (made: Set<string>) => Promise<boolean>,
  hint: string,
  takeBack: (made: ReadonlySet<string>) => Promise<void>,
): Promise<void> {
  for (const request of requests) assertReadable(root, request);
  const made = new Set<string>();
  try {
    for (let count = 0; count < MAX_ROUNDS; count++) if (!(await round(made))) return;
    throw undone(root, hint);
  } catch (error) {
    await quietly(() => takeBack(made));
    throw error;
  }
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
