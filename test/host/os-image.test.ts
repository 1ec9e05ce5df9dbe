import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { container, startMachine } from '../support/berth.ts';
import { ownStore } from '../support/debian-root.ts';
import { buildImage } from '../support/image-builder.ts';
import { layeredImage } from '../support/layered-image.ts';
import { writeLayout } from '../support/oci-layout.ts';
import { tar } from '../support/tar.ts';

const app = 'registry.example.com/acme/app:1';
const osFiles = Object.entries(container('app', app)).map(([path, content]) => ({ path, content }));
const os = layeredImage([
  { archive: tar([{ path: 'etc/', type: '5' }]), compression: 'none' },
  { archive: tar(osFiles), compression: 'zstd' },
]);

test('an OS image is a root from a registry, a layout and the store', async (t) => {
  const machine = await startMachine(t);
  const { CONTAINERS_STORAGE_CONF } = ownStore(machine.directory);
  Object.assign(machine.environment, { CONTAINERS_STORAGE_CONF });
  machine.registry.push('acme/os:1', os);
  machine.registry.push('acme/app:1', buildImage({ layers: [{ bytes: 1000, seed: 1 }] }));
  const layout = join(machine.directory, 'layout');
  writeLayout(layout, 'x', os);
  const pulled = await machine.berth('pull', '--engine', 'store', 'registry.example.com/acme/os:1');
  assert.equal(pulled.code, 0, pulled.stderr);
  for (const reference of [
    'registry.example.com/acme/os:1',
    `oci:${layout}:x`,
    'store:registry.example.com/acme/os:1',
  ]) {
    const spec = `image:${reference}`;
    const images = await machine.berth('images', '--format', 'json', spec);
    assert.equal(images.code, 0, images.stderr);
    const list = JSON.parse(images.stdout) as { root: string; images: { image: string }[] };
    assert.equal(list.root, `${spec}@${os.top.digest}`);
    assert.deepEqual(
      list.images.map(({ image }) => image),
      [app],
    );
    for (const words of [['plan'], ['why', app], ['lint', '--offline']]) {
      const { code, stderr } = await machine.berth(...words, '--bind', 'all', spec);
      assert.equal(code, 0, `${words.join(' ')} ${spec}: ${stderr}`);
    }
  }
});

test('an OS image is staged, and called by its name from then on', async (t) => {
  const machine = await startMachine(t);
  machine.registry.push('acme/os:1', os);
  machine.registry.push('acme/app:1', buildImage({ layers: [{ bytes: 1000, seed: 1 }] }));
  const spec = 'image:registry.example.com/acme/os:1';
  const store = ['--engine', 'store'];
  const staged = await machine.berth('stage', ...store, '--bind', 'all', '--format', 'json', spec);
  assert.equal(staged.code, 0, staged.stderr);
  const { root } = JSON.parse(staged.stdout) as { root: { id: string } };
  assert.match(root.id, /^image_registry\.example\.com-acme-os_1-[0-9a-f]{8}$/);
  assert.equal((await machine.berth('verify', ...store, root.id)).code, 0);
  const released = await machine.berth('release', ...store, spec);
  assert.equal(released.code, 0, released.stderr);
});

test('an OS image that is not there, or has no registry, is an error of two lines', async (t) => {
  const machine = await startMachine(t);
  const missing = await machine.berth('images', 'image:registry.example.com/acme/none:1');
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /^berth: [^\n]+\n {2}→ [^\n]+\n$/);
  const short = await machine.berth('images', 'image:UPPER/case');
  assert.equal(short.code, 2);
  const locked = await machine.berth('lock', 'image:registry.example.com/acme/os:1');
  assert.equal(locked.code, 2);
  assert.match(locked.stderr, /expected a directory to write a lock into/);
});
