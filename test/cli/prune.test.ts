import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { formatBytes } from '../../src/common/format-bytes.ts';
import { withLock } from '../../src/common/process-lock.ts';
import { layoutAt } from '../../src/store/layout.ts';
import { startMachine } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';

test('prune shows what downloads that broke have left, and takes it unless somebody downloads', async (t) => {
  const machine = await startMachine(t);
  const { directory, registry } = machine;
  registry.push('web:1', buildImage({ layers: [{ bytes: 3_000_000, seed: 1 }] }));
  let isCut = false;
  registry.fault = ({ path, status }) => {
    if (!path.includes('/blobs/') || status !== 0) return undefined;
    // The partial download is not continued.
    if (isCut) return { status: 404 };
    isCut = true;
    return { kind: 'cut', after: 2_000_000 };
  };
  const store = join(directory, 'state/store');
  const parts = () => readdirSync(join(store, 'tmp'));
  // A cut connection may lose all that was on its way: then there is no part yet.
  do {
    isCut = false;
    const pulled = await machine.berth('pull', '--engine', 'store', 'registry.example.com/web:1');
    assert.equal(pulled.code, 1, pulled.stderr);
  } while (parts().length === 0);
  const [part = ''] = parts();
  assert.equal(parts().length, 1);
  // When a connection is cut, bytes that the reader had not yet received are lost.
  const { size } = statSync(join(store, 'tmp', part));
  assert.ok(size > 0 && size <= 2_000_000, String(size));
  const said = `Parts of downloads that broke, ${formatBytes(size)}`;
  const prune = async (...words: string[]) => {
    const { code, stdout, stderr } = await machine.berth('prune', '--engine', 'store', ...words);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  assert.ok((await prune('--dry-run')).split('\n').includes(`${said}, would be removed.`));
  assert.equal(JSON.parse(await prune('--dry-run', '--format', 'json')).broken, size);
  assert.equal((await machine.berth('prune', '--engine', 'store')).code, 2, 'it asks first');
  await withLock(layoutAt(store).inUse, 'shared', async () => {
    assert.equal(JSON.parse(await prune('--force', '--format', 'json')).broken, 0);
  });
  assert.equal(parts().length, 1);
  assert.ok((await prune('--force')).split('\n').includes(`${said}, were removed.`));
  assert.deepEqual(parts(), []);
  assert.equal((await machine.berth('prune', '--engine', 'store')).stderr, 'Nothing to prune.\n');
});
