import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { readAdditionalStore, serves } from '../../../src/engine/containers-storage/images.ts';
import { openRoot } from '../../../src/root/open-root.ts';
import { writeRoot } from '../../support/berth.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const hex = (letter: string) => letter.repeat(64);
const name = 'registry.example.com/app:1';

/** A list as containers/storage writes it. */
const list = JSON.stringify([
  {
    id: hex('a'),
    digest: `sha256:${hex('b')}`,
    names: [name],
    'big-data-digests': {
      manifest: `sha256:${hex('b')}`,
      [`manifest-sha256:${hex('c')}`]: `sha256:${hex('c')}`,
    },
  },
  { id: hex('d'), names: null },
]);

test('a store is read in the root, and where its path leads out of the tree', (t) => {
  const directory = temporaryDirectory(t);
  const files = { 'overlay-images/images.json': list };
  const outside = writeRoot(join(directory, 'outside'), files);
  const tree = writeRoot(join(directory, 'os'), {});
  mkdirSync(join(directory, 'os/usr/lib/bootc'), { recursive: true });
  symlinkSync(outside, join(directory, 'os/usr/lib/bootc/storage'));
  writeRoot(join(directory, 'os/usr/lib/own'), files);
  symlinkSync('../bootc/storage', join(directory, 'os/usr/lib/own/link'));
  writeRoot(join(directory, 'os/var/lib/shared'), files);
  const root = openRoot(tree);
  t.after(() => root.close());
  const owner = { root, foreign: false, driver: 'overlay' };
  const found = readAdditionalStore('/usr/lib/bootc/storage', owner);
  assert.equal(found?.directory, outside);
  assert.equal(readAdditionalStore('/usr/lib/own/link', owner)?.directory, outside);
  assert.deepEqual(found?.images[0]?.digests, [`sha256:${hex('b')}`, `sha256:${hex('c')}`]);
  assert.equal(
    readAdditionalStore('/usr/lib/bootc/storage', { ...owner, foreign: true }),
    undefined,
  );
  assert.equal(readAdditionalStore('/usr/lib/own', owner)?.directory, join(tree, 'usr/lib/own'));
  assert.equal(readAdditionalStore(outside)?.images.length, 2);
  const shared = readAdditionalStore('/var/lib/shared', owner);
  assert.equal(shared, undefined, 'roots of a machine share /var');
  const vfs = readAdditionalStore('/usr/lib/own', { ...owner, driver: 'vfs' });
  assert.deepEqual(vfs?.images, [], 'of another driver podman sees nothing');
  assert.equal(readAdditionalStore(join(directory, 'none'), owner), undefined);
});

test('the names by which podman finds an image of a store', (t) => {
  const directory = writeRoot(temporaryDirectory(t), { 'vfs-images/images.json': list });
  const [image] = readAdditionalStore(directory)?.images ?? [];
  assert.ok(image);
  const served = (asked: string) => serves(image, asked);
  assert.ok(served(name));
  assert.ok(served(`registry.example.com/app@sha256:${hex('c')}`));
  assert.equal(served(`registry.example.com/other@sha256:${hex('c')}`), false);
  assert.equal(served('registry.example.com/app:2'), false);
});

test('a store that can’t be read is none, and hangs nobody', (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'overlay-images/images.json');
  mkdirSync(join(directory, 'overlay-images'));
  for (const content of ['', '{}', '[{"id": 1}]', `[{"id": "../${hex('a')}"}]`, '[[[[']) {
    writeFileSync(path, content);
    assert.equal(readAdditionalStore(directory), undefined, content);
  }
  rmSync(path);
  execFileSync('mkfifo', [path]);
  assert.equal(readAdditionalStore(directory), undefined);
});

test('an image’s platform is what its config says', (t) => {
  const config = (text: string) =>
    readAdditionalStore(
      writeRoot(temporaryDirectory(t), {
        'overlay-images/images.json': list,
        [`overlay-images/${hex('a')}/=${btoa(`sha256:${hex('a')}`)}`]: text,
      }),
    );
  const platformOf = (text: string) => {
    const store = config(text);
    const [image] = store?.images ?? [];
    return image && store?.platformOf(image);
  };
  assert.deepEqual(platformOf('{"os":"linux","architecture":"arm","variant":"v7"}'), {
    os: 'linux',
    architecture: 'arm',
    variant: 'v7',
  });
  for (const text of ['', '{}', '[']) assert.equal(platformOf(text), undefined, text);
});
