import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { Cri, CriImage } from '../../../src/engine/crio/cri.ts';
import { pinsOf } from '../../../src/engine/crio/pins.ts';
import type { PinRequest } from '../../../src/engine/pin.ts';
import { CRIO_DROP_IN } from '../../../src/image/crio-drop-in.ts';
import { pinnedIn } from '../../support/cri-server.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;

/** What berth asks for an image whose config has the digest `sha256:LETTER…`. */
function request(letter: string, ...names: readonly string[]): PinRequest {
  return {
    id: digest(letter),
    platform: 'linux/amd64',
    names: names.map((name) => ({ name, digest: digest('d'), manifest: digest('e') })),
    fetched: true,
    record: { location: '/sysroot', images: 1, problems: 0, staged: '2026-01-01T00:00:00Z' },
  };
}

/** The drop-in of a CRI-O that has the images `sha256:a…` and `sha256:b…`, and calls every image pinned. */
function setUp(t: TestContext) {
  const directory = temporaryDirectory(t);
  const places = {
    main: join(directory, 'crio/crio.conf'),
    dropIns: join(directory, 'crio/crio.conf.d'),
  };
  mkdirSync(dirname(places.main));
  const image = (letter: string): CriImage => ({
    id: letter.repeat(64),
    names: [],
    digests: [],
    size: 1,
    pinned: true,
  });
  const cri = { images: async () => [image('a'), image('b')] } as unknown as Cri;
  const warnings: string[] = [];
  let reloads = 0;
  let failure: string | undefined;
  const open = () =>
    pinsOf({
      cri,
      places,
      lock: join(directory, 'lock'),
      reload: async () => {
        reloads += 1;
        return failure;
      },
      warn: (message) => warnings.push(message),
    });
  return {
    places,
    path: join(places.dropIns, CRIO_DROP_IN),
    pins: open(),
    open,
    warnings,
    reloads: () => reloads,
    failReload: (reason: string) => (failure = reason),
    effective: () => pinnedIn(places.main, places.dropIns),
    others: (name: string, ...names: readonly string[]) => {
      mkdirSync(places.dropIns, { recursive: true });
      const text = `[crio.image]\npinned_images = ${JSON.stringify(names)}\n`;
      writeFileSync(join(places.dropIns, name), text);
    },
  };
}

test('a pin has the name, and the names by the digests of index and manifest', async (t) => {
  const { pins, effective, reloads } = setUp(t);
  await pins.pin('root', [request('a', 'q.io/app:1')]);
  assert.deepEqual(effective(), [
    'q.io/app:1',
    `q.io/app@${digest('d')}`,
    `q.io/app@${digest('e')}`,
  ]);
  assert.equal(reloads(), 1);
});

test('a pin says what was asked for, whatever the path of its root has in it', async (t) => {
  const { pins, effective } = setUp(t);
  const location = '/srv/a "b" \\ é # [crio.image]';
  const { record, ...asked } = request('a', 'q.io/app:1');
  await pins.pin('root', [{ ...asked, record: { ...record, location } }]);
  const [pin] = await pins.pins();
  assert.deepEqual(pin, {
    ...asked,
    record: { ...record, location },
    root: 'root',
    engine: 'crio',
    handle: `root ${asked.id}`,
  });
  assert.equal(effective().length, 3);
});

test('what others pin stays pinned, patterns too', async (t) => {
  const { pins, effective, others } = setUp(t);
  others('50-pinned-images', 'q.io/pause:1', 'q.io/*', '*keep*');
  await pins.pin('root', [request('a', 'q.io/app:1')]);
  assert.deepEqual(effective().slice(0, 4), ['q.io/pause:1', 'q.io/*', '*keep*', 'q.io/app:1']);
});

test('with the last pin the drop-in goes, and what others pin is as before', async (t) => {
  const { pins, effective, others, path, reloads } = setUp(t);
  others('50-pinned-images', 'q.io/pause:1');
  await pins.pin('one', [request('a', 'q.io/app:1')]);
  await pins.pin('two', [request('b', 'q.io/db:1')]);
  const all = await pins.pins();
  await pins.unpin(all.filter(({ root }) => root === 'one'));
  assert.deepEqual(
    (await pins.pins()).map(({ root, id }) => [root, id]),
    [['two', digest('b')]],
  );
  assert.ok(!effective().includes('q.io/app:1'));
  await pins.unpin(all);
  assert.equal(existsSync(path), false);
  assert.deepEqual(effective(), ['q.io/pause:1']);
  assert.equal(reloads(), 4);
});

test('a change of others is carried over when the pins are renewed', async (t) => {
  const { pins, effective, others, reloads } = setUp(t);
  others('50-pinned-images', 'q.io/old:1');
  await pins.pin('root', [request('a', 'q.io/app:1')]);
  await pins.renewPins();
  assert.equal(reloads(), 1, 'nothing is written without a change');
  others('50-pinned-images', 'q.io/new:1');
  assert.ok(!effective().includes('q.io/new:1'));
  assert.equal((await pins.pins()).length, 1, "berth's own pins hold all the same");
  await pins.renewPins();
  assert.ok(effective().includes('q.io/new:1'));
  assert.ok(!effective().includes('q.io/old:1'));
  assert.ok(effective().includes('q.io/app:1'));
  assert.equal(reloads(), 2);
});

test('without pins there is nothing to renew', async (t) => {
  const { pins, others, path, reloads } = setUp(t);
  others('50-pinned-images', 'q.io/old:1');
  await pins.renewPins();
  assert.equal(existsSync(path), false);
  assert.equal(reloads(), 0);
});

test('a list that is read later takes the pins away, and a pin says which', async (t) => {
  const { pins, others } = setUp(t);
  await pins.pin('root', [request('a', 'q.io/app:1')]);
  others('zzz-admin', 'q.io/other:1');
  assert.deepEqual(await pins.pins(), []);
  await assert.rejects(pins.pin('root', [request('a', 'q.io/app:1')]), {
    code: 'engine-failed',
    message: /zzz-admin overrides/,
    hint: /rename it/,
  });
});

test('a broken file of others takes no pin away, and nothing is written over it', async (t) => {
  const { pins, places, path, warnings } = setUp(t);
  await pins.pin('root', [request('a', 'q.io/app:1')]);
  const before = readFileSync(path, 'utf8');
  writeFileSync(join(places.dropIns, '10-broken'), 'pinned_images = [');
  assert.equal((await pins.pins()).length, 1);
  await assert.rejects(pins.pin('root', [request('b', 'q.io/db:1')]), /10-broken/);
  for (let i = 0; i < 3; i++) await pins.renewPins();
  assert.equal(warnings.length, 1, 'a watcher that asks again and again is told once');
  assert.match(warnings[0] ?? '', /10-broken/);
  assert.equal(readFileSync(path, 'utf8'), before);
});

test('a comment that berth did not write is no pin', async (t) => {
  const { pins, path } = setUp(t);
  await pins.pin('root', [request('a', 'q.io/app:1')]);
  const text = readFileSync(path, 'utf8');
  for (const [from, to] of [
    ['"root":"root"', '"root":"../root"'],
    ['"fetched":true', '"fetched":1'],
    [digest('a'), 'sha256:a'],
    ['q.io/app:1', 'App'],
    ['# berth-pin: {', '# berth-pin: ['],
  ] as const) {
    writeFileSync(path, text.replaceAll(from, to));
    assert.deepEqual(await pins.pins(), [], from);
  }
});

test('nothing but whole files lies where CRI-O reads', async (t) => {
  const { pins, places } = setUp(t);
  await pins.pin('root', [request('a', 'q.io/app:1')]);
  assert.deepEqual(readdirSync(places.dropIns), [CRIO_DROP_IN]);
  assert.equal(statSync(join(places.dropIns, CRIO_DROP_IN)).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(dirname(places.dropIns)), ['crio.conf.d']);
});

test('berths that pin at the same time lose no pin', async (t) => {
  const { open } = setUp(t);
  const roots = Array.from({ length: 20 }, (_, index) => `root${index}`);
  await Promise.all(roots.map((root) => open().pin(root, [request('a', 'q.io/app:1')])));
  assert.deepEqual((await open().pins()).map(({ root }) => root).sort(), roots.toSorted());
});

test('a CRI-O that does not reload is a warning: the pins count once it starts', async (t) => {
  const { pins, warnings, failReload } = setUp(t);
  failReload('Job type reload is not applicable');
  await pins.pin('root', [request('a', 'q.io/app:1')]);
  assert.equal((await pins.pins()).length, 1);
  assert.deepEqual(warnings, [
    'crio did not read its pins again: Job type reload is not applicable',
  ]);
});

test('an image that CRI-O does not have is not pinned', async (t) => {
  const { pins, path } = setUp(t);
  await assert.rejects(pins.pin('root', [request('c', 'q.io/app:1')]), { code: 'no-such-image' });
  assert.equal(existsSync(path), false);
});

test('a directory that can’t be written is an error with its path', async (t) => {
  const { pins, places, path } = setUp(t);
  rmSync(places.dropIns, { recursive: true, force: true });
  writeFileSync(places.dropIns, 'no directory');
  await assert.rejects(pins.pin('root', [request('a', 'q.io/app:1')]), (error: Error) =>
    error.message.includes(path.slice(0, -CRIO_DROP_IN.length - 1)),
  );
});
