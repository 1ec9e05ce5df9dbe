import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { container, startMachine, writeRoot } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';
import { writeManyRoots } from './many-roots.ts';
import { withPeak } from './peak.ts';
import { HOST } from './site.ts';

/** In MB. What 100,000 pins and as many entries of records are, read whole, and then some. */
const MAX_PEAK = 800;

// With names and pins looked up one by one this does not end in minutes.
test('a thousand roots with a hundred images each are reconciled in bounded memory', async (t) => {
  const machine = await startMachine(t);
  const { config } = writeManyRoots(machine.directory, {
    roots: 1000,
    imagesEach: 100,
    newEach: 2,
  });
  const berth = async (...words: string[]) => {
    const all = [...words, '--engine', 'store', '--config', config, '--progress', 'none'];
    const { peak, ...outcome } = await withPeak(machine, ...all);
    assert.ok(peak < MAX_PEAK, `${words[0]} took ${peak} MB`);
    return outcome;
  };
  const reconciled = await berth('reconcile');
  assert.equal(reconciled.code, 0, reconciled.stderr);
  assert.match(reconciled.stdout, /Nothing had to be done\.$/m);
  assert.equal(reconciled.stdout.match(/ ready$/gm)?.length, 1000);
  assert.deepEqual(machine.registry.requests, []);

  // One more, whose tag all the others mean otherwise.
  machine.registry.push('team/app0:1', buildImage({ layers: [{ bytes: 1000, seed: 1 }] }));
  const root = writeRoot(join(machine.directory, 'more'), container('app', `${HOST}/team/app0:1`));
  const staged = await berth('stage', '--bind', 'all', '--id', 'more', root);
  assert.equal(staged.code, 0, staged.stderr);
  assert.match(staged.stdout, /^more is ready on store: 1 image,/m);
  const released = await berth('release', 'more');
  assert.equal(released.code, 0, released.stderr);
});
