import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import * as v from 'valibot';
import * as schemas from '../../../src/documents/schemas.ts';
import { container, writeRoot } from '../../support/berth.ts';
import { firstBoot } from '../../support/first-boot.ts';
import { blobs, buildRoot, host, image, STORE } from '../boot/shipped-root.ts';

test('berth ship', async (t) => {
  const { machine, root } = await buildRoot(t);
  await t.test('leaves a plain layout of exactly what is bound, the same each time', async () => {
    assert.deepEqual(readdirSync(join(root, STORE)).sort(), ['blobs', 'index.json', 'oci-layout']);
    const before = [readFileSync(join(root, STORE, 'index.json'), 'utf8'), blobs(root)];
    assert.doesNotMatch(before[0]?.toString() ?? '', /io\.berth\.fetched/, 'of the store alone');
    machine.registry.requests.length = 0;
    assert.equal((await machine.berth('ship', root)).code, 0);
    const downloads = machine.registry.requests.filter(({ path }) => path.includes('/blobs/'));
    assert.deepEqual(downloads, [], 'what the root ships already does not come again');
    assert.deepEqual([readFileSync(join(root, STORE, 'index.json'), 'utf8'), blobs(root)], before);
  });
  await t.test('keeps what was there when a name can’t be fetched', async () => {
    const before = blobs(root);
    writeRoot(root, container('gone', `${host}/gone:1`));
    const { code, stderr, stdout } = await machine.berth('ship', '--format', 'json', root);
    assert.equal(code, 1, stderr);
    assert.equal(v.parse(schemas.ShipResult, JSON.parse(stdout)).written, false);
    assert.deepEqual(blobs(root), before);
    assert.deepEqual(readdirSync(join(root, 'usr/lib/berth')).sort(), ['berth.toml', 'store']);
    rmSync(join(root, 'usr/share/containers/systemd/gone.container'));
  });
  await t.test('takes of a locked name the image of the lock', async () => {
    assert.equal((await machine.berth('lock', root)).code, 0);
    const before = blobs(root);
    machine.registry.push('web:1', image(4));
    assert.equal((await machine.berth('ship', root)).code, 0);
    assert.deepEqual(blobs(root), before);
    rmSync(join(root, 'usr/lib/berth/lock.json'));
    assert.equal((await machine.berth('ship', root)).code, 0);
    assert.notDeepEqual(blobs(root), before);
  });
  await t.test('mends a layout that is damaged', async () => {
    writeFileSync(join(root, STORE, 'index.json'), 'no JSON');
    assert.equal((await machine.berth('ship', root)).code, 0);
    const { load } = firstBoot(join(machine.directory, 'mended'));
    assert.deepEqual((await load(root))?.findings, []);
  });
  await t.test('downloads anew what is damaged, and no more', async () => {
    const before = blobs(root);
    const sizes = before.map((blob) => statSync(join(root, STORE, 'blobs/sha256', blob)).size);
    const [layer = ''] = before.filter((_, i) => (sizes[i] ?? 0) > 20_000);
    const path = join(root, STORE, 'blobs/sha256', layer);
    const content = readFileSync(path);
    writeFileSync(path, Buffer.concat([content.subarray(1), content.subarray(0, 1)]));
    machine.registry.requests.length = 0;
    assert.equal((await machine.berth('ship', root)).code, 0);
    const downloads = machine.registry.requests.filter(({ path: of }) => of.includes('/blobs/'));
    assert.deepEqual(
      downloads.map(({ path: of }) => of.slice(-64)),
      [layer],
    );
    assert.deepEqual(blobs(root), before);
    assert.deepEqual(readFileSync(path), content);
  });
  await t.test('writes nothing behind a link that leads out of the root', async () => {
    const outside = join(machine.directory, 'outside');
    mkdirSync(join(outside, 'store'), { recursive: true });
    rmSync(join(root, STORE), { recursive: true });
    symlinkSync(join(outside, 'store'), join(root, STORE));
    assert.equal((await machine.berth('ship', root)).code, 0);
    assert.deepEqual(readdirSync(join(outside, 'store')), []);
    renameSync(join(root, 'usr/lib/berth'), join(outside, 'berth'));
    symlinkSync(join(outside, 'berth'), join(root, 'usr/lib/berth'));
    const { code, stderr } = await machine.berth('ship', '--bind', 'all', root);
    assert.equal(code, 1);
    assert.match(stderr, /expected a directory at \/usr\/lib\/berth in the root, found a link/);
  });
  await t.test('removes the layout when nothing is bound any more', async () => {
    const bare = writeRoot(join(machine.directory, 'bare'), container('web', `${host}/web:1`));
    assert.equal((await machine.berth('ship', '--bind', 'all', bare)).code, 0);
    assert.ok(existsSync(join(bare, STORE)));
    assert.equal((await machine.berth('ship', bare)).code, 0);
    assert.ok(!existsSync(join(bare, STORE)));
    rmSync(join(bare, 'usr/lib/berth'), { recursive: true });
    assert.equal((await machine.berth('ship', bare)).code, 0);
    assert.ok(!existsSync(join(bare, 'usr/lib/berth')), 'no empty directory is left in the tree');
  });
});
