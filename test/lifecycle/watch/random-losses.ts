import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { fetchFrom, withEngine } from '../../engine/contract/calls.ts';
import type { Command } from '../../engine/contract/command.ts';
import { findingsOf, type Staged, stageRoots } from '../../engine/contract/staged-roots.ts';
import { look, targetsOf } from '../../engine/contract/survival.ts';
import type { TestedEngine } from '../../engine/contract/tested-engine.ts';
import { isOver, rounds, seed, seeded } from '../../support/property.ts';
import { startWatcher, type Watcher } from './watcher.ts';

/** How many bursts of losses `make test` makes for each engine. */
export const BURSTS = 5;
/** The most commands of a burst. */
const LONGEST = 3;

/**
 * Has an engine's own program remove things at random while `berth watch` runs, and asks at the end of each
 * burst whether both roots are whole again. What one command of a burst removes, another may miss.
 */
export async function loseAtRandom(t: TestContext, tested: TestedEngine): Promise<void> {
  const staged = await stageRoots(tested);
  const random = seeded();
  const watcher = await startWatcher(t, tested.machine, '--engine', tested.option);
  for (let burst = 0; burst < rounds(BURSTS) && !isOver(); burst++) {
    const count = 1 + Math.floor(random() * LONGEST);
    const commands = Array.from({ length: count }, () => oneOf(tested.commands, random));
    await lose(tested, staged, commands);
    const words = commands.map(({ row }) => row).join('; ');
    await untilWhole(tested, staged, watcher, `BERTH_SEED=${seed}, burst ${burst}: ${words}`);
  }
  assert.equal(await watcher.end(), 'SIGTERM');
}

function oneOf(commands: readonly Command[], random: () => number): Command {
  const command = commands[Math.floor(random() * commands.length)];
  assert.ok(command);
  return command;
}

async function lose(
  tested: TestedEngine,
  staged: Staged,
  commands: readonly Command[],
): Promise<void> {
  const targets = await withEngine(tested, async (engine) => {
    await engine.tag(await fetchFrom(engine, staged.spare), staged.spare.name);
    return targetsOf(await look(engine), staged);
  });
  for (const command of commands) {
    try {
      await command.run(targets);
    } catch {
      // What it was to remove is gone by an earlier command, or the watcher has made a new one.
    }
  }
}

/** Asks again after each event, until nothing is lacking: the last event may have come before the answer. */
async function untilWhole(
  tested: TestedEngine,
  staged: Staged,
  { until, events }: Watcher,
  what: string,
): Promise<void> {
  for (let asked = 0; ; asked++) {
    const findings = await findingsOf(tested, staged);
    if (findings.size === 0) return;
    if (asked > 1)
      console.error(`${what}: ${[...findings].join(', ')} after ${events.length} events`);
    await until(() => true);
  }
}
