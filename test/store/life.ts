import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isOver, seed, seeded } from '../support/property.ts';

const worker = fileURLToPath(new URL('worker.ts', import.meta.url));

/**
 * Kills a role of `worker.ts` at random moments, each time in a directory of its own.
 *
 * One kill falls in each part of the run, so that no phase of it is left out. `BERTH_SEED` sets
 * the moments again.
 */
export async function killAtRandom(
  t: TestContext,
  kills: number,
  directoryOf: (name: string) => string,
  check: (directory: string, t: TestContext) => Promise<void>,
  role = 'life',
): Promise<void> {
  const random = seeded();
  const whole = await killedAt(t, [role, directoryOf('whole')], Number.POSITIVE_INFINITY);
  assert.ok(whole > 100, `${whole} moments only`);
  for (let kill = 0; kill < kills && !isOver(); kill++) {
    const directory = directoryOf(String(kill));
    const moment = 1 + Math.trunc(((kill + random()) / kills) * (whole - 1));
    await killedAt(t, [role, directory], moment);
    const name = `killed at moment ${moment} of ${whole}, BERTH_SEED=${seed}`;
    await t.test(name, (inner) => check(directory, inner));
  }
}

/** Runs a role up to a moment, and returns how many moments there were. */
async function killedAt(t: TestContext, given: readonly string[], moment: number): Promise<number> {
  const child = start(t, given);
  let beats = 0;
  child.stdout?.on('data', (chunk: Buffer) => {
    beats += chunk.length;
    if (beats >= moment) child.kill('SIGKILL');
  });
  const [code, signal] = await once(child, 'close');
  if (moment === Number.POSITIVE_INFINITY) assert.equal(code, 0);
  else assert.ok(signal === 'SIGKILL' || code === 0);
  return beats;
}

export function start(t: TestContext, given: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [worker, ...given], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  return child;
}
