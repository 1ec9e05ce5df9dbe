import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { type Machine, main, startMachine } from '../support/berth.ts';
import type { ImageOptions } from '../support/image-builder.ts';
import { isOver, rounds, seed, seeded } from '../support/property.ts';
import { onlyMissing, partsIn } from './only-missing.ts';
import { beforeUpgrade, Site } from './site.ts';

const KILLS = rounds(25);

/** Images that share a base, and each generation its own part. */
function imagesOf(generation: number): readonly ImageOptions[] {
  return Array.from({ length: 4 }, (_, i) => ({
    layers: [
      { bytes: 300_000, seed: 1 },
      { bytes: 700_000, seed: 10 * generation + i },
      { bytes: 1000, seed: 10 * generation + i },
    ],
  }));
}

/**
 * Stages, and kills so many moments after the start, in a process that is berth's own. A moment is
 * a request, or a word of the progress.
 *
 * @returns how many moments there were, and whether it came to its end.
 */
async function stageUntil(machine: Machine, state: string, root: string, moment: number) {
  const words = ['stage', '--engine', 'store', '--bind', 'all', '--id', 'second'];
  const child = spawn(
    process.execPath,
    [main, ...words, '--state-dir', state, '--progress', 'json', root],
    { env: machine.environment, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let moments = 0;
  const pass = () => {
    if (++moments >= moment) child.kill('SIGKILL');
  };
  machine.registry.fault = () => {
    pass();
    return undefined;
  };
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    for (const _ of text.matchAll(/\n/g)) pass();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  machine.registry.fault = undefined;
  return { moments, code };
}

test(`killed at ${KILLS} moments, the store is valid and the next run brings the rest`, async (t) => {
  const machine = await startMachine(t);
  const { registry } = machine;
  const before = await beforeUpgrade(join(machine.directory, 'template'), registry, imagesOf);
  const { template, second, record, blobs } = before;
  const fresh = (name: string) => {
    const directory = join(machine.directory, name);
    const site = new Site(directory, machine);
    cpSync(template.stateDirectory, site.stateDirectory, { recursive: true });
    return { directory, site };
  };
  const uncut = await stageUntil(
    machine,
    fresh('whole').site.stateDirectory,
    second,
    Number.POSITIVE_INFINITY,
  );
  assert.equal(uncut.code, 0);
  assert.ok(uncut.moments > 30, `${uncut.moments} moments only`);

  const random = seeded();
  let killed = 0;
  let runs = 0;
  for (; runs < KILLS && !isOver(); runs++) {
    // One in each part, so that no phase is left out.
    const moment = 1 + Math.trunc(((runs + random()) / KILLS) * uncut.moments);
    const what = `killed at moment ${moment} of ${uncut.moments}, BERTH_SEED=${seed}`;
    const { directory, site } = fresh(`run${runs}`);
    const { code } = await stageUntil(machine, site.stateDirectory, second, moment);
    if (code === null) killed++;
    else assert.equal(code, 0, what);
    const whole = site.checkDisk('killed');
    const parts = partsIn(site.store);
    assert.equal(site.record('first'), record, what);
    assert.deepEqual(await site.findings('first'), [], what);
    registry.requests.length = 0;
    const next = await site.stage('second', second);
    assert.ok(next.ready, `${what}\n${next.said}`);
    onlyMissing(registry.requests, blobs, { whole, parts });
    site.checkDisk();
    assert.deepEqual(await site.findings('first'), [], what);
    assert.deepEqual(await site.findings('second'), [], what);
    rmSync(directory, { recursive: true });
  }
  assert.ok(killed >= runs / 2, `killed ${killed} times only`);
});
