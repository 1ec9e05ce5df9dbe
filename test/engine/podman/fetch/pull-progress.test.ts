import assert from 'node:assert/strict';
import test from 'node:test';
import { pullProgress } from '../../../../src/engine/podman/fetch/pull-progress.ts';

const digest = (n: number) => `sha256:${String(n).padStart(64, '0')}`;
const blobs = Array.from({ length: 10 }, (_, n) => ({
  mediaType: 'x',
  digest: digest(n),
  size: 2 ** n,
}));

test('a blob counts once podman has it, or must have it to begin with the next', () => {
  const progress = pullProgress(blobs);
  assert.equal(progress('Trying to pull quay.io/a/b@sha256:…\n'), 0);
  assert.equal(progress(`Copying blob ${digest(1)} skipped: already exists  \n`), 2);
  for (const n of [2, 3, 4, 5, 6, 7]) assert.equal(progress(`Copying blob ${digest(n)}\n`), 2);
  assert.equal(progress(`Copying blob ${digest(8)}\n`), 2 + 4, 'the seventh: the first is done');
  assert.equal(progress(`Copying blob ${digest(8)}\n`), 2 + 4);
  // The third may have made room for the eighth, while the second is still under way.
  assert.equal(progress(`Copying blob ${digest(3)} done\n`), 2 + 8);
  assert.equal(progress(`Copying blob ${digest(99)}\n`), 2 + 8);
  assert.equal(progress(`Copying config ${digest(0)}\n`), 2 ** 10 - 1);
  assert.equal(progress('Writing manifest to image destination\n'), 2 ** 10 - 1);
});
