import assert from 'node:assert/strict';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import * as v from 'valibot';
import { LOCK_PATH } from '../../src/binding/lock.ts';
import * as schemas from '../../src/documents/schemas.ts';
import { formatPlatform, hostPlatform } from '../../src/image/platform.ts';
import { container, type Machine, startMachine, writeRoot } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';

const host = 'registry.example.com';
const store = ['--engine', 'store', '--bind', 'all'];
const here = formatPlatform(hostPlatform());
const other = here === 'linux/amd64' ? 'linux/arm64' : 'linux/amd64';
const single = (seed: number) => buildImage({ layers: [{ bytes: 2000, seed }] });
const multi = (seed: number) =>
  buildImage({ layers: [{ bytes: 2000, seed }], platforms: [here, other] });

async function lockedRoot(machine: Machine) {
  const web = multi(1);
  const api = single(2);
  machine.registry.push('web:1', web);
  machine.registry.push('api:1', api);
  const root = writeRoot(join(machine.directory, 'os'), {
    ...container('web', `${host}/web:1`),
    ...container('api', `${host}/api:1`),
  });
  const locked = await machine.berth('lock', '--bind', 'all', root);
  assert.equal(locked.code, 0, locked.stderr);
  return { root, web, api };
}

const tagRequests = ({ registry }: Machine) =>
  registry.requests.filter(({ path }) => path.endsWith('/manifests/1'));

async function plan(machine: Machine, root: string) {
  const { stdout, code } = await machine.berth('plan', ...store, '--format', 'json', root);
  return { code, ...v.parse(schemas.Plan, JSON.parse(stdout)) };
}

test('the lock has each name with the digest of every platform, and the same bytes twice', async (t) => {
  const machine = await startMachine(t);
  const { root, web, api } = await lockedRoot(machine);
  const text = readFileSync(join(root, LOCK_PATH), 'utf8');
  assert.deepEqual(JSON.parse(text), {
    apiVersion: 'berth/v1',
    kind: 'Lock',
    images: [
      {
        name: `${host}/api:1`,
        digest: api.top.digest,
        platforms: { [here]: api.top.digest },
      },
      {
        name: `${host}/web:1`,
        digest: web.top.digest,
        platforms: { [here]: web.manifests[0]?.digest, [other]: web.manifests[1]?.digest },
      },
    ],
  });
  rmSync(join(root, LOCK_PATH));
  await machine.berth('lock', '--bind', 'all', root);
  assert.equal(readFileSync(join(root, LOCK_PATH), 'utf8'), text);
  const again = await machine.berth('lock', '--bind', 'all', '--format', 'json', root);
  assert.equal(v.parse(schemas.LockResult, JSON.parse(again.stdout)).written, false);
});

test('plan and stage mean the locked images when the tags have moved', async (t) => {
  const machine = await startMachine(t);
  const { root, web, api } = await lockedRoot(machine);
  machine.registry.push('web:1', multi(11));
  machine.registry.push('api:1', single(12));
  machine.registry.requests.length = 0;
  const planned = await plan(machine, root);
  assert.equal(planned.code, 0);
  const names = planned.images.flatMap((image) => image.names);
  assert.deepEqual(names.map(({ name, digest, locked }) => `${name} ${digest} ${locked}`).sort(), [
    `${host}/api:1 ${api.top.digest} true`,
    `${host}/web:1 ${web.top.digest} true`,
  ]);
  const table = await machine.berth('plan', ...store, root);
  assert.match(table.stdout, /web:1 .* locked$/m);
  const staged = await machine.berth('stage', ...store, '--id', 'os', root);
  assert.equal(staged.code, 0, staged.stderr);
  assert.deepEqual(tagRequests(machine), [], 'no tag was asked for');
  const status = await machine.berth('status', '--engine', 'store', '--format', 'json');
  const [record] = v.parse(schemas.Status, JSON.parse(status.stdout)).roots;
  assert.deepEqual(record?.images.map(({ name, digest }) => [name, digest]).sort(), [
    [`${host}/api:1`, api.top.digest],
    [`${host}/web:1`, web.top.digest],
  ]);
});

test('a name that is not in the lock is resolved as ever, and said to be so', async (t) => {
  const machine = await startMachine(t);
  const { root } = await lockedRoot(machine);
  machine.registry.push('new:1', single(3));
  writeRoot(root, container('new', `${host}/new:1`));
  const names = (await plan(machine, root)).images.flatMap((image) => image.names);
  assert.equal(names.find(({ name }) => name === `${host}/new:1`)?.locked, false);
});

test('a new lock goes before what an earlier staging resolved', async (t) => {
  const machine = await startMachine(t);
  const { root, web } = await lockedRoot(machine);
  await machine.berth('stage', ...store, '--id', 'os', root);
  const moved = multi(21);
  machine.registry.push('web:1', moved);
  const digestOf = async () => {
    const words = ['stage', ...store, '--id', 'os', '--format', 'json', root];
    const { stdout, stderr } = await machine.berth(...words);
    assert.notEqual(stdout, '', stderr);
    const { images } = v.parse(schemas.StageResult, JSON.parse(stdout));
    return images.flatMap((image) => image.names).find(({ name }) => name === `${host}/web:1`)
      ?.digest;
  };
  assert.equal(await digestOf(), web.top.digest);
  await machine.berth('lock', '--bind', 'all', root);
  assert.equal(await digestOf(), moved.top.digest);
  await machine.registry.close();
  assert.equal(await digestOf(), moved.top.digest, 'staged again without a registry');
});

test('Pull=never takes no other image than the locked one', async (t) => {
  const machine = await startMachine(t);
  machine.registry.push('web:1', single(1));
  const unit = container('web', `${host}/web:1`, 'Pull=never\n');
  const root = writeRoot(join(machine.directory, 'os'), unit);
  await machine.berth('lock', '--bind', 'all', root);
  machine.registry.push('web:1', single(2));
  await machine.berth('pull', '--engine', 'store', '--pin', 'x', `${host}/web:1`);
  const planned = await plan(machine, root);
  assert.deepEqual(planned.images, []);
  assert.deepEqual(
    planned.problems.map(({ code }) => code),
    ['pull-never'],
  );
});

test('a lock that can not be read stages nothing, and blocks', async (t) => {
  const machine = await startMachine(t);
  const { root } = await lockedRoot(machine);
  await machine.berth('stage', ...store, '--id', 'os', root);
  writeFileSync(join(root, LOCK_PATH), '{"kind":"Lock"}');
  const planned = await plan(machine, root);
  assert.equal(planned.code, 1);
  assert.deepEqual(planned.images, []);
  assert.deepEqual([...new Set(planned.failures.map(({ code }) => code))], ['lock-file']);
  assert.deepEqual(
    planned.problems.map(({ code, bound }) => [code, bound]),
    [['lock-file', true]],
  );
  const staged = await machine.berth('stage', ...store, '--id', 'os', root);
  assert.equal(staged.code, 1);
  const status = await machine.berth('status', '--engine', 'store', '--format', 'json');
  const [record] = v.parse(schemas.Status, JSON.parse(status.stdout)).roots;
  assert.equal(record?.images.length, 2, 'the earlier staging stands');
  const check = await machine.berth('lock', '--check', '--bind', 'all', root);
  assert.equal(check.code, 3);
  const again = await machine.berth('lock', '--bind', 'all', root);
  assert.equal(again.code, 0, again.stderr);
  assert.equal((await plan(machine, root)).code, 0);
});

test('a lock whose platform contradicts its index is refused', async (t) => {
  const machine = await startMachine(t);
  const { root, web } = await lockedRoot(machine);
  const path = join(root, LOCK_PATH);
  const text = readFileSync(path, 'utf8');
  const [mine = '', others = ''] = web.manifests.map(({ digest }) => digest);
  writeFileSync(path, text.replace(`"${here}":"${mine}"`, `"${here}":"${others}"`));
  const planned = await plan(machine, root);
  assert.deepEqual(
    planned.failures.map(({ image, code }) => [image, code]),
    [[`${host}/web:1`, 'lock-file']],
  );
});

test('--check says what moved, is missing, and is not named any more', async (t) => {
  const machine = await startMachine(t);
  const { root, web } = await lockedRoot(machine);
  const check = async () => {
    const words = ['lock', '--check', '--bind', 'all', '--format', 'json', root];
    const { stdout, code } = await machine.berth(...words);
    return { code, ...v.parse(schemas.LockCheck, JSON.parse(stdout)) };
  };
  const before = readFileSync(join(root, LOCK_PATH), 'utf8');
  const same = await check();
  assert.deepEqual([same.code, same.current], [0, true]);
  const moved = multi(31);
  machine.registry.push('web:1', moved);
  machine.registry.push('new:1', single(3));
  writeRoot(root, container('new', `${host}/new:1`));
  rmSync(join(root, 'usr/share/containers/systemd/api.container'));
  const found = await check();
  assert.deepEqual([found.code, found.current], [3, false]);
  assert.deepEqual(found.moved, [
    { name: `${host}/web:1`, locked: web.top.digest, found: moved.top.digest },
  ]);
  assert.deepEqual([found.missing, found.extra], [[`${host}/new:1`], [`${host}/api:1`]]);
  assert.equal(readFileSync(join(root, LOCK_PATH), 'utf8'), before, 'nothing is written');
  const table = await machine.berth('lock', '--check', '--bind', 'all', root);
  assert.match(table.stdout, /web:1 +moved +sha256:\w+ → sha256:\w+\n/);
  const refs = await machine.berth('lock', '--check', '--bind', 'all', '--format', 'refs', root);
  assert.equal(refs.stdout, `${host}/web@${moved.top.digest}\n`);
});

test('an image that can not be resolved: nothing is written, and the code says why', async (t) => {
  const machine = await startMachine(t);
  const { root } = await lockedRoot(machine);
  const before = readFileSync(join(root, LOCK_PATH), 'utf8');
  machine.registry.push('api:1', single(40));
  writeRoot(root, container('gone', `${host}/gone:1`));
  const missing = await machine.berth('lock', '--bind', 'all', root);
  assert.equal(missing.code, 1);
  assert.match(missing.stdout, /not written/);
  assert.equal(readFileSync(join(root, LOCK_PATH), 'utf8'), before);
  await machine.registry.close();
  assert.equal((await machine.berth('lock', '--bind', 'all', root)).code, 5);
  assert.equal((await machine.berth('lock', '--check', '--bind', 'all', root)).code, 3);
  rmSync(join(root, 'usr/share/containers/systemd/gone.container'));
  assert.equal((await machine.berth('lock', '--check', '--bind', 'all', root)).code, 5);
});

test('a bound image that can not be known is not locked, and that is no success', async (t) => {
  const machine = await startMachine(t);
  const { root } = await lockedRoot(machine);
  writeRoot(root, container('odd', `${host}/odd:%H`));
  const { code, stderr } = await machine.berth('lock', '--bind', 'all', root);
  assert.equal(code, 3);
  assert.match(stderr, /problem specifier /);
});

test('nothing bound: nothing is written, unless a lock says otherwise', async (t) => {
  const machine = await startMachine(t);
  const root = writeRoot(join(machine.directory, 'os'), container('web', `${host}/web:1`));
  const { code, stderr } = await machine.berth('lock', root);
  assert.equal(code, 0);
  assert.match(stderr, /Nothing of .* is bound\..*--bind all/);
  assert.deepEqual(readdirSync(join(root, 'usr')), ['share']);
});

test('a hostile tree leads no lock out of the root', async (t) => {
  const machine = await startMachine(t);
  machine.registry.push('web:1', single(1));
  const outside = join(machine.directory, 'outside');
  mkdirSync(outside);
  const root = writeRoot(join(machine.directory, 'os'), container('web', `${host}/web:1`));
  mkdirSync(join(root, 'usr/lib'));
  symlinkSync(outside, join(root, 'usr/lib/berth'));
  const { code, stderr } = await machine.berth('lock', '--bind', 'all', root);
  assert.equal(code, 1);
  assert.match(stderr, /\/usr\/lib\/berth in the root, found a link/);
  assert.deepEqual(readdirSync(outside), []);
  const image = await machine.berth('lock', 'image:quay.io/acme/os:1');
  assert.equal(image.code, 2);
});

test('berth images shows the locked digest', async (t) => {
  const machine = await startMachine(t);
  const { root, web } = await lockedRoot(machine);
  const { stdout } = await machine.berth('images', '--format', 'json', root);
  const { images } = v.parse(schemas.ImageList, JSON.parse(stdout));
  assert.equal(images.find(({ image }) => image === `${host}/web:1`)?.digest, web.top.digest);
});

test('all images of a root are pulled as its lock says', async (t) => {
  const machine = await startMachine(t);
  const { root, web, api } = await lockedRoot(machine);
  machine.registry.push('web:1', multi(51));
  const fd = openSync(root, 'r');
  t.after(() => closeSync(fd));
  const words = ['pull', '--all-images-from-root', '3', '--engine', 'store', '--format', 'json'];
  const { stdout, stderr } = await machine.berthWith({ fds: [fd] }, ...words);
  assert.notEqual(stdout, '', stderr);
  const { pulled } = v.parse(schemas.PullResult, JSON.parse(stdout));
  assert.deepEqual(
    pulled.map(({ digest }) => digest).sort((x, y) => (x < y ? -1 : 1)),
    [web.top.digest, api.top.digest].sort((x, y) => (x < y ? -1 : 1)),
  );
});
