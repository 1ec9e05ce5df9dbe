import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { container, startMachine, writeRoot } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';

test('where the registry is away, an image that is there by the name is said', async (t) => {
  const machine = await startMachine(t);
  const name = `${machine.registry.host}/app:1`;
  machine.registry.push('app:1', buildImage({ layers: [{ bytes: 100, seed: 1 }] }));
  assert.equal((await machine.berth('pull', '--engine', 'store', name)).code, 0);
  await machine.registry.close();
  const stage = (policy: string) => {
    const root = writeRoot(
      join(machine.directory, policy),
      container('app', name, `Pull=${policy}`),
    );
    return machine.berth('stage', '--engine', 'store', '--bind', 'all', '--id', policy, root);
  };
  const missing = await stage('missing');
  assert.equal(missing.code, 5, missing.stderr);
  assert.match(missing.stderr, /connection refused.*; store has an image by this name/);
  assert.match(missing.stderr, /`berth load`, or let the unit say Pull=never/);
  // The unit would ask the registry as well.
  assert.doesNotMatch((await stage('always')).stderr, /has an image by this name/);
  assert.equal((await stage('never')).code, 0);
});
