import assert from 'node:assert/strict';
import { closeSync, cpSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { isOutOfSpace } from '../../src/common/errors.ts';
import { startFaultRegistry } from '../support/fault-registry.ts';
import type { ImageOptions } from '../support/image-builder.ts';
import { isOver, rounds, seed, seeded } from '../support/property.ts';
import { skipMounts, smallFileSystem } from '../support/small-file-system.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { onlyMissing, partsIn } from './only-missing.ts';
import { beforeUpgrade, Site } from './site.ts';

function imagesOf(generation: number): readonly ImageOptions[] {
  return Array.from({ length: 3 }, (_, i) => ({
    layers: [
      { bytes: 100_000, seed: 1 },
      // One is written in several pieces.
      { bytes: i === 0 ? 1_200_000 : 150_000, seed: 10 * generation + i },
    ],
  }));
}

/** From one moment to the next that is tried: `make test` leaves some out, a longer search none. */
const LONGEST_STEP = rounds(1) > 1 ? 1 : 4;

const PAGE = 4096;

/** Takes all but so many pages. */
function fillBytes(directory: string, left: number): void {
  const { bavail, bsize } = statfsSync(directory);
  const pages = Math.floor((bavail * bsize) / PAGE) - left;
  untilFull(() => {
    const file = openSync(join(directory, 'filler'), 'w');
    try {
      for (let n = 0; n < pages; n++) writeSync(file, Buffer.alloc(PAGE));
    } finally {
      closeSync(file);
    }
  });
}

/** Takes all but so many inodes. */
function fillFiles(directory: string, left: number): void {
  const filler = join(directory, 'filler');
  untilFull(() => {
    mkdirSync(filler);
    const { ffree } = statfsSync(directory);
    for (let n = 0; n < ffree - left; n++) closeSync(openSync(join(filler, String(n)), 'w'));
  });
}

/** What berth writes meanwhile takes some of it too. */
function untilFull(fill: () => void): void {
  try {
    fill();
  } catch (error) {
    if (!isOutOfSpace(error)) throw error;
  }
}

async function fillsAtEveryMoment(
  t: TestContext,
  options: string,
  fill: (directory: string, left: number) => void,
): Promise<void> {
  const { directory: mountpoint } = smallFileSystem(t, options);
  const fault = await startFaultRegistry(t);
  const { registry } = fault;
  const directory = temporaryDirectory(t);
  const { template, second, record, blobs } = await beforeUpgrade(directory, registry, imagesOf);
  const random = seeded();

  let refusals = 0;
  // First with nothing left, then with a little: enough for some of what is written at an end.
  const fillings = [() => 0, () => Math.trunc(random() * 6)].values();
  let leave = fillings.next().value;
  const step = () => 1 + Math.trunc(random() * LONGEST_STEP);
  for (
    let moment = 0;
    leave !== undefined && !isOver();
    moment = moment < 0 ? 0 : moment + step()
  ) {
    const site = new Site(mountpoint, fault);
    cpSync(template.stateDirectory, site.stateDirectory, { recursive: true });
    const left = leave();
    let moments = 0;
    if (moment === 0) fill(mountpoint, left);
    const pass = () => {
      if (++moments === moment) fill(mountpoint, left);
    };
    site.onEvent = pass;
    registry.fault = () => {
      pass();
      return undefined;
    };
    const what = `full at moment ${moment}, ${left} left, BERTH_SEED=${seed}`;
    const run = await site.stage('second', second);
    const errors = [
      ...(run.error === undefined ? [] : [run.error]),
      ...(run.staged?.failures ?? []).map(({ error }) => error),
      ...(run.staged?.plan.failures ?? []).map(({ error }) => error),
    ];
    for (const error of errors) {
      assert.equal(error.code, 'no-space', `${what}: ${error.message}`);
      assert.equal(error.kind, 'refused');
      assert.match(error.hint, /make space/);
    }
    if (errors.length > 0) refusals++;
    else assert.ok(run.ready, `${what}\n${run.said}`);
    const whole = site.checkDisk();
    const parts = partsIn(site.store);
    // What fills the disk would be in the way of who makes space.
    if (errors.length > 0) assert.deepEqual([...parts.keys()], [], what);
    assert.equal(site.record('first'), record, what);
    assert.deepEqual(await site.findings('first'), [], what);

    if (moments < moment) {
      leave = fillings.next().value;
      moment = -1;
    }
    site.onEvent = () => undefined;
    rmSync(join(mountpoint, 'filler'), { recursive: true, force: true });
    fault.plan([]);
    registry.requests.length = 0;
    const next = await site.stage('second', second);
    assert.ok(next.ready, `${what}\n${next.said}`);
    onlyMissing(registry.requests, blobs, { whole, parts });
    site.checkDisk();
    assert.deepEqual(await site.findings('first'), [], what);
    rmSync(site.stateDirectory, { recursive: true });
  }
  assert.ok(isOver() || refusals > 10, `${refusals} refusals only`);
}

test(
  'a disk that fills at any moment: refused in words, nothing torn, nothing earlier lost',
  { skip: skipMounts },
  (t) => fillsAtEveryMoment(t, 'size=8m', fillBytes),
);

test('the same where files run out', { skip: skipMounts }, (t) =>
  fillsAtEveryMoment(t, 'size=16m,nr_inodes=200', fillFiles),
);
