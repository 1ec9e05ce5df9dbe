import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { nextRootOf } from '../../src/deployment/next-root.ts';
import { runningSystem } from '../../src/deployment/places.ts';
import { writeRoot } from '../support/berth.ts';
import { temporaryDirectory } from '../support/temporary.ts';

test('the root of a soft reboot is a deployment, another tree, or none', (t) => {
  const directory = temporaryDirectory(t);
  const run = join(directory, 'run');
  const nextRoot = join(run, 'nextroot');
  mkdirSync(run);
  const places = { ...runningSystem, run };
  const slot = (id: string) => {
    const location = writeRoot(join(directory, id), { 'usr/lib/os-release': 'ID=acme\n' });
    return { id, location };
  };
  const slots = [slot('a'), slot('b'), { id: 'gone', location: join(directory, 'gone') }];
  const next = () => nextRootOf(places, slots);
  assert.equal(next(), undefined);
  symlinkSync(join(directory, 'b'), nextRoot);
  assert.deepEqual(next(), { id: 'b' });
  rmSync(nextRoot);
  writeRoot(nextRoot, { 'etc/os-release': 'ID=acme\n' });
  assert.deepEqual(next(), { id: undefined });
  rmSync(nextRoot, { recursive: true });
  mkdirSync(nextRoot);
  assert.equal(next(), undefined, 'an empty directory is what a soft reboot leaves');
});
