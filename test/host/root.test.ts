import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { refuseNoTree } from '../../src/host/root.ts';
import { RootError } from '../../src/root/root.ts';
import { temporaryDirectory } from '../support/temporary.ts';

test('a path that can’t be looked at is refused with its reason', (t) => {
  const loop = join(temporaryDirectory(t), 'loop');
  symlinkSync('loop', loop);
  for (const path of [loop, `/${'a'.repeat(5000)}`]) {
    assert.throws(() => refuseNoTree(path, new Map()), RootError);
  }
  refuseNoTree('/nowhere/at/all', new Map());
});
