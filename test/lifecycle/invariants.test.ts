import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import {
  container,
  disownImages,
  type Machine,
  startMachine,
  writeRoot,
} from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';

const host = 'registry.example.com';
const store = ['--engine', 'store'];
const image = (seed: number) =>
  buildImage({
    layers: [
      { bytes: 5000, seed: 1 },
      { bytes: 5000, seed },
    ],
  });

function stage(machine: Machine, id: string, root: string) {
  return machine.berth('stage', ...store, '--bind', 'all', '--id', id, root);
}

async function code(machine: Machine, ...words: string[]): Promise<number | null> {
  return (await machine.berth(...words, ...store)).code;
}

test('an image that a failed stage was about to fetch, and somebody then put there, is theirs', async (t) => {
  const machine = await startMachine(t);
  machine.registry.push('web:1', image(2));
  machine.registry.fault = ({ path }) => (path.includes('/blobs/') ? { status: 403 } : undefined);
  const root = writeRoot(join(machine.directory, 'os'), container('web', `${host}/web:1`));
  assert.equal((await stage(machine, 'os', root)).code, 1);
  machine.registry.fault = undefined;
  assert.equal(await code(machine, 'pull', `${host}/web:1`), 0);
  disownImages(machine);
  assert.equal((await stage(machine, 'os', root)).code, 0);
  assert.equal(await code(machine, 'release', 'os'), 0);
  assert.equal(await code(machine, 'prune', '--force'), 0);
  assert.equal(await code(machine, 'pin', `${host}/web:1`), 0, 'it is still there');
});

test('a stage that failed is not called ready when its record is lost', async (t) => {
  const machine = await startMachine(t);
  // By digest: such a name stands at once, so that nothing else keeps the root from being ready.
  const { digest } = machine.registry.push('web:1', image(2));
  const root = writeRoot(join(machine.directory, 'os'), {
    ...container('web', `${host}/web@${digest}`),
    ...container('gone', `${host}/gone:1`),
  });
  assert.equal((await stage(machine, 'os', root)).code, 1);
  rmSync(join(machine.directory, 'state/roots/os.json'));
  assert.equal(await code(machine, 'verify', 'os'), 3);
});

test('a tree that got a unit whose image can’t be had is not ready any more', async (t) => {
  const machine = await startMachine(t);
  machine.registry.push('web:1', image(2));
  const root = writeRoot(join(machine.directory, 'os'), container('web', `${host}/web:1`));
  assert.equal((await stage(machine, 'os', root)).code, 0);
  writeRoot(root, container('gone', `${host}/gone:1`));
  assert.equal((await stage(machine, 'os', root)).code, 1);
  assert.equal(await code(machine, 'verify', 'os'), 3);
});

test('a newer image that can’t be had does not make a ready root unready', async (t) => {
  const machine = await startMachine(t);
  machine.registry.push('web:1', image(2));
  const files = container('web', `${host}/web:1`, 'Pull=newer\n');
  const root = writeRoot(join(machine.directory, 'os'), files);
  assert.equal((await stage(machine, 'os', root)).code, 0);
  await machine.registry.close();
  assert.equal((await stage(machine, 'os', root)).code, 5);
  assert.equal(await code(machine, 'verify', 'os'), 0);
});

test('names that others waited for settle when a root needs them no more', async (t) => {
  const machine = await startMachine(t);
  machine.registry.push('api:latest', image(2));
  machine.registry.push('web:1', image(3));
  const a = writeRoot(join(machine.directory, 'a'), {
    ...container('web', `${host}/web:1`),
    ...container('api', `${host}/api`),
  });
  const b = writeRoot(join(machine.directory, 'b'), container('api', `${host}/api`));
  assert.equal((await stage(machine, 'a', a)).code, 0);
  machine.registry.push('api:latest', image(4));
  assert.equal((await stage(machine, 'b', b)).code, 0);
  rmSync(join(a, 'usr/share/containers/systemd/api.container'));
  assert.equal((await stage(machine, 'a', a)).code, 0);
  assert.equal(await code(machine, 'verify', 'b'), 0, 'after a was staged again');

  assert.equal(await code(machine, 'pull', '--pin', 'x', `${host}/web:1`), 0);
  machine.registry.push('web:1', image(5));
  const c = writeRoot(join(machine.directory, 'c'), container('web', `${host}/web:1`));
  assert.equal((await stage(machine, 'c', c)).code, 0);
  assert.equal(await code(machine, 'release', 'a'), 0);
  assert.equal(await code(machine, 'unpin', 'x'), 0);
  assert.equal(await code(machine, 'verify', 'c'), 0, 'after the pin went');
});

test('pins by hand at once are all on record', async (t) => {
  const machine = await startMachine(t);
  const names = Array.from({ length: 5 }, (_, i) => `${host}/tool${i}:1`);
  for (const [i] of names.entries()) machine.registry.push(`tool${i}:1`, image(10 + i));
  assert.equal(await code(machine, 'pull', ...names), 0);
  const codes = await Promise.all(names.map((name) => code(machine, 'pin', name)));
  assert.deepEqual(
    codes,
    names.map(() => 0),
  );
  for (const name of names) assert.equal(await code(machine, 'unpin', name), 0, name);
});

test('two stages of one id end as one of them', async (t) => {
  const machine = await startMachine(t);
  machine.registry.push('web:1', image(2));
  machine.registry.push('web:2', image(3));
  const a = writeRoot(join(machine.directory, 'a'), container('web', `${host}/web:1`));
  const b = writeRoot(join(machine.directory, 'b'), container('web', `${host}/web:2`));
  const both = await Promise.all([stage(machine, 'os', a), stage(machine, 'os', b)]);
  assert.deepEqual(
    both.map((o) => o.code),
    [0, 0],
    both.map((o) => o.stderr).join(''),
  );
  assert.equal(await code(machine, 'verify', 'os'), 0);
  assert.equal(await code(machine, 'release', 'os'), 0);
  assert.equal(await code(machine, 'prune', '--force'), 0);
  const pulled = await machine.berth('pin', ...store, `${host}/web:1`);
  assert.equal(pulled.code, 1, 'nothing is left behind');
});

test('a root on another engine is refused in words, and loses nothing', async (t) => {
  const machine = await startMachine(t);
  machine.registry.push('web:1', image(2));
  const root = writeRoot(join(machine.directory, 'os'), container('web', `${host}/web:1`));
  assert.equal((await stage(machine, 'os', root)).code, 0);
  const path = join(machine.directory, 'state/roots/os.json');
  const { readFileSync, writeFileSync } = await import('node:fs');
  // As if podman had it: the store must leave that record alone.
  writeFileSync(
    path,
    readFileSync(path, 'utf8').replace('"engine": "store"', '"engine": "podman"'),
  );
  for (const words of [
    ['release', 'os'],
    ['verify', 'os'],
    ['stage', '--bind', 'all', '--id', 'os', root],
  ]) {
    const { code: answer, stderr } = await machine.berth(...words, ...store);
    assert.equal(answer, words[0] === 'verify' ? 3 : 4, stderr);
    assert.match(stderr, /os is staged on podman.*\n.*leave --engine out/);
  }
  assert.equal(await code(machine, 'prune', '--force'), 0);
  assert.match(readFileSync(path, 'utf8'), /"engine": "podman"/);
});

test('a state directory that can’t be made is said at once', async (t) => {
  const machine = await startMachine(t);
  const root = writeRoot(join(machine.directory, 'os'), container('web', `${host}/web:1`));
  const { code: answer, stderr } = await machine.berth(
    'stage',
    ...store,
    '--state-dir',
    '/proc/no/where',
    root,
  );
  assert.equal(answer, 1);
  assert.match(stderr, /\/proc\/no\/where/);
});

test('a moved tag stays with the root that was there first, whatever the ids', async (t) => {
  const machine = await startMachine(t);
  const first = writeRoot(join(machine.directory, 'x'), container('api', `${host}/api`));
  const second = writeRoot(join(machine.directory, 'y'), container('api', `${host}/api`));
  machine.registry.push('api:latest', image(2));
  assert.equal((await stage(machine, 'z', first)).code, 0);
  machine.registry.push('api:latest', image(3));
  const { stdout } = await stage(machine, 'a', second);
  assert.match(stdout, /the name stays on sha256:\w+ for z/);
  const before = await machine.berth('why', ...store, `${host}/api`, second);
  assert.match(before.stdout, /pinned for z/);
  const present = /present, image ID (\S+)/.exec(before.stdout)?.[1];
  const ofFirst = /staged for z, digest (\S+)/.exec(before.stdout)?.[1];
  assert.equal(present, ofFirst);
});
