import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'node:test';
import { readDictionary, textOf } from '../../src/deployment/gvariant.ts';
import { nextRootOf } from '../../src/deployment/next-root.ts';
import { readBootedOstree, readOstree } from '../../src/deployment/ostree.ts';
import type { Places } from '../../src/deployment/places.ts';
import { openUpdaters } from '../../src/deployment/read.ts';
import { writeRoot } from '../support/berth.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { bootedAs, makeSysroot, roles, type Sysroot } from './ostree-sysroot.ts';

test('the deployments of a real sysroot have roles by the boot order', async (t) => {
  const sysroot = makeSysroot(t);
  const { places, ostree, deploy, tree } = sysroot;
  const a = deploy({});
  assert.equal(readOstree(places), undefined, 'not booted by ostree');
  const b = deploy({});
  assert.deepEqual(roles(bootedAs(sysroot, b)), { [b]: 'booted', [a]: 'rollback' });
  assert.deepEqual(roles(bootedAs(sysroot, a)), { [b]: 'staged', [a]: 'booted' });
  const [pending] = (readOstree(bootedAs(sysroot, a)) ?? []).filter(({ id }) => id === b);
  assert.equal(pending?.finalised, true, 'its boot entry is written');
  const c = deploy({}, '--retain');
  assert.deepEqual(roles(bootedAs(sysroot, b)), { [c]: 'staged', [b]: 'booted', [a]: 'rollback' });
  ostree('admin', 'pin', `--sysroot=${places.sysroot}`, '0');
  const pinned = readOstree(bootedAs(sysroot, a))?.find(({ id }) => id === c);
  assert.deepEqual([pinned?.pinned, pinned?.location], [true, tree(c)]);
  ostree('admin', 'undeploy', `--sysroot=${places.sysroot}`, '2');
  assert.deepEqual(roles(bootedAs(sysroot, b)), { [c]: 'staged', [b]: 'booted' });
  mkdirSync(tree(`${'e'.repeat(64)}.0`));
  assert.equal(readOstree(bootedAs(sysroot, b))?.length, 2, 'a checkout that nothing leads to');
});

test('another stateroot is another OS, and a sysroot without a booted deployment is an error', (t) => {
  const sysroot = makeSysroot(t);
  const { places, ostree, deploy } = sysroot;
  const a = deploy({});
  ostree('admin', 'os-init', 'other', `--sysroot=${places.sysroot}`);
  const checksum = a.slice(0, 64);
  ostree('admin', 'deploy', '--os=other', `--sysroot=${places.sysroot}`, checksum);
  const told = (booted: Places) =>
    new Set(
      readOstree(booted)?.map(({ id, role, location }) =>
        [id.slice(64), role, /deploy\/(acme|other)\//.exec(location)?.[1]].join(' '),
      ),
    );
  const booted = bootedAs(sysroot, a);
  assert.deepEqual(told(booted), new Set(['.0@acme booted acme', '.0@other other other']));
  assert.equal(readBootedOstree(booted)?.id, `${a}@acme`);
  // Each is called the same whichever is booted: its pins are found again.
  const other = { ...places, root: join(places.sysroot, 'ostree/deploy/other/deploy', a) };
  assert.deepEqual(told(other), new Set(['.0@acme other acme', '.0@other booted other']));
  assert.throws(() => readOstree({ ...places, root: '/' }), { code: 'deployments' });
});

test('entries that ostree would refuse are errors, because nothing may be released by them', async (t) => {
  const sysroot = makeSysroot(t);
  const { places, deploy, refused } = sysroot;
  deploy({});
  const a = deploy({});
  const booted = bootedAs(sysroot, a);
  const entries = join(places.boot, 'loader/entries');
  const [first = ''] = readdirSync(entries).sort();
  const text = readFileSync(join(entries, first), 'utf8');
  for (const bad of [
    text.replace(/ostree=\S+/, 'quiet'),
    text.replace(/ostree=\S+/, 'ostree=/ostree/boot.1/acme/none/0'),
    text.replace(/ostree=\S+/, 'ostree=/etc'),
  ]) {
    writeFileSync(join(entries, first), bad);
    assert.notEqual(refused('admin', 'status'), undefined, 'ostree refuses it too');
    assert.throws(() => readOstree(booted), { code: 'deployments', message: /ostree= of/ });
  }
  writeFileSync(join(entries, first), text);
  assert.equal(readOstree(booted)?.length, 2);
  // Without entries, as if /boot were not mounted, nothing is known of the other deployments.
  const unmounted = { ...booted, boot: join(places.sysroot, 'ostree') };
  assert.throws(() => readOstree(unmounted), { code: 'deployments', hint: /mounted/ });
  const early = await openUpdaters({
    directories: undefined,
    places: unmounted,
    environment: {},
  }).booted();
  assert.equal(early?.id, a, 'the booted one is known without it');
});

test('hostile origins and checkouts neither block nor lead outside', (t) => {
  const sysroot = makeSysroot(t);
  const { tree } = sysroot;
  sysroot.deploy({});
  const a = sysroot.deploy({});
  const places = bootedAs(sysroot, a);
  const origin = `${tree(a)}.origin`;
  const read = () => readOstree(places)?.find(({ id }) => id === a)?.image?.name;
  rmSync(origin);
  assert.equal(read(), undefined, 'no origin');
  const outside = join(places.run, 'outside');
  writeFileSync(outside, '[origin]\ncontainer-image-reference=ostree-image-signed:docker://evil\n');
  symlinkSync(outside, origin);
  // Inside the sysroot it leads into a /tmp, where everybody may put a file of that name.
  assert.throws(read, { code: 'deployments' }, 'a link out of the sysroot');
  rmSync(origin);
  symlinkSync('/nowhere', origin);
  assert.equal(read(), undefined, 'a link that leads nowhere in it');
  rmSync(origin);
  execFileSync('mkfifo', [origin]);
  assert.throws(read, { code: 'deployments' }, 'a FIFO');
  rmSync(origin);
  writeFileSync(origin, '');
  truncateSync(origin, 64 * 1024 * 1024);
  assert.throws(read, { code: 'deployments' }, 'a file without end');
  writeFileSync(
    origin,
    '[origin]\ncontainer-image-reference=ostree-image-signed:docker://acme/os\n',
  );
  assert.equal(read(), 'acme/os');
  symlinkSync('/', tree(`${'d'.repeat(64)}.0`));
  assert.equal(readOstree(places)?.length, 2, 'a link is no checkout');
});

test('unreadable state in /run is an error and never blocks', (t) => {
  const sysroot = makeSysroot(t);
  const a = sysroot.deploy({});
  const places = bootedAs(sysroot, a);
  mkdirSync(join(places.run, 'ostree'));
  const staged = join(places.run, 'ostree/staged-deployment');
  for (const content of ['x', '\0'.repeat(300), 'target\0'.repeat(50)]) {
    writeFileSync(staged, content);
    assert.throws(() => readOstree(places), { code: 'deployments' });
  }
  rmSync(staged);
  execFileSync('mkfifo', [staged]);
  assert.throws(() => readOstree(places), /FIFO/);
  rmSync(staged);
  // {'target': <{'name': <'abc' without its NUL>}>}
  const name = variant('name', 's', Buffer.from('abc'));
  writeFileSync(staged, variant('target', 'a{sv}', name));
  assert.throws(() => readOstree(places), { code: 'deployments' });
  rmSync(staged);
  const marker = join(places.run, 'ostree-booted');
  rmSync(marker);
  symlinkSync('ostree-booted', marker);
  assert.throws(() => readOstree(places), { code: 'deployments', message: /ELOOP/ });
});

/** A dictionary of one entry, as GVariant lays it out. */
function variant(key: string, type: string, value: Buffer): Buffer {
  const offset = (length: number, at: number) => {
    const bytes = Buffer.alloc(length < 255 ? 1 : 2);
    bytes.writeUIntLE(at, 0, bytes.length);
    return bytes;
  };
  const start = Buffer.from(`${key}\0`);
  const padding = Buffer.alloc((8 - (start.length % 8)) % 8);
  const body = Buffer.concat([start, padding, value, Buffer.from(`\0${type}`)]);
  const entry = Buffer.concat([body, offset(body.length, start.length)]);
  return Buffer.concat([entry, offset(entry.length, entry.length)]);
}

test('a deployment has its later /var, and no local changes in a transient /etc', async (t) => {
  const sysroot = makeSysroot(t);
  const { places, ostree, deploy, tree } = sysroot;
  const transient = { 'ostree/prepare-root.conf': '[etc]\ntransient=true\n', mine: 'default' };
  const a = deploy(transient);
  ostree('admin', 'os-init', 'other', `--sysroot=${places.sysroot}`);
  ostree('admin', 'deploy', '--os=other', `--sysroot=${places.sysroot}`, a.slice(0, 64));
  const b = deploy({});
  const booted = bootedAs(sysroot, b);
  writeFileSync(join(tree(a), 'etc/mine'), 'not kept');
  // On a running host this is a mount.
  writeRoot(join(tree(b), 'var'), { 'home/eve/x': 'running', link: '-> /etc/mine' });
  const othersVar = join(places.sysroot, 'ostree/deploy/other/var');
  writeRoot(othersVar, { 'home/eve/x': 'other', escape: `-> ../../../../..${places.run}` });
  const read = async (location: RegExp, path: string) => {
    const found = readOstree(booted)?.find((deployment) => location.test(deployment.location));
    const root = await found?.open();
    try {
      return root?.readFile(path)?.content.toString();
    } finally {
      root?.close();
    }
  };
  const acme = new RegExp(`acme/deploy/${a}$`);
  await Promise.all([
    read(acme, '/var/home/eve/x').then((text) => assert.equal(text, 'running')),
    read(acme, '/var/link').then((text) => assert.equal(text, 'default')),
    read(acme, '/etc/mine').then((text) => assert.equal(text, 'default')),
    read(/other/, '/var/home/eve/x').then((text) => assert.equal(text, 'other')),
    read(/other/, '/var/escape/ostree-booted').then((text) => assert.equal(text, undefined)),
  ]);
});

/** A dictionary as GLib writes it: the metadata of a commit, which stands first in its object. */
function dictionaryBy(
  { ostree, places }: Sysroot,
  metadata: Readonly<Record<string, string>>,
): Buffer {
  const repository = join(places.sysroot, 'ostree/repo');
  const words = Object.entries(metadata).map(([key, value]) => `--add-metadata=${key}=${value}`);
  const from = join(places.run, 'empty');
  mkdirSync(from, { recursive: true });
  const id = ostree(
    'commit',
    `--repo=${repository}`,
    '--branch=acme/y',
    `--tree=dir=${from}`,
    ...words,
  );
  const bytes = readFileSync(join(repository, 'objects', id.slice(0, 2), `${id.slice(2)}.commit`));
  const size = bytes.length <= 0xff ? 1 : 2;
  return bytes.subarray(0, bytes.readUIntLE(bytes.length - size, size));
}

test('with composefs the marker names the booted deployment, because / is none', (t) => {
  const sysroot = makeSysroot(t);
  const { places, deploy, tree } = sysroot;
  const [a, b] = [deploy({}), deploy({})];
  const { dev, ino } = lstatSync(tree(a), { bigint: true });
  const pair = (second: bigint) => `(uint64 ${dev}, uint64 ${second})`;
  const marker = (metadata: Readonly<Record<string, string>>) =>
    writeFileSync(join(places.run, 'ostree-booted'), dictionaryBy(sysroot, metadata));
  marker({ 'composefs.verity': 'true', 'backing-root-device-inode': pair(ino), more: '"x"' });
  assert.deepEqual(roles({ ...places, root: '/' }), { [b]: 'staged', [a]: 'booted' });
  for (const other of [pair(ino + 1n), '"text"', `(uint64 ${dev}, uint32 1)`]) {
    marker({ 'backing-root-device-inode': other });
    assert.throws(() => readOstree({ ...places, root: '/' }), { code: 'deployments' }, other);
  }
});

test('after a soft reboot the root that was entered is the booted one, whatever /run/ostree-booted says', (t) => {
  const sysroot = makeSysroot(t);
  const { places, deploy, tree } = sysroot;
  const [a, b] = [deploy({}), deploy({})];
  const marker = (name: string, id: string) => {
    const { dev, ino } = lstatSync(tree(id), { bigint: true });
    const pair = `(uint64 ${dev}, uint64 ${ino})`;
    const metadata = dictionaryBy(sysroot, { 'backing-root-device-inode': pair });
    writeFileSync(join(places.run, name), metadata);
  };
  const booted = () => readBootedOstree({ ...places, root: '/' })?.id;
  marker('ostree-booted', a);
  mkdirSync(join(places.run, 'ostree'), { recursive: true });
  marker('ostree/nextroot-booted', b);
  // As ostree prepares the soft reboot: the root is mounted there, and left empty by the soft reboot.
  const nextRoot = join(places.run, 'nextroot');
  symlinkSync(tree(b), nextRoot);
  const deployments = [a, b].map((id) => ({ id, location: tree(id) }));
  assert.deepEqual(nextRootOf(places, deployments), { id: b });
  assert.equal(booted(), a);
  rmSync(nextRoot);
  mkdirSync(nextRoot);
  assert.equal(nextRootOf(places, deployments), undefined);
  assert.equal(booted(), b);
  // As ostree-boot-complete.service does.
  renameSync(join(places.run, 'ostree/nextroot-booted'), join(places.run, 'ostree-booted'));
  assert.equal(booted(), b);
});

test('bootc gives an ostree deployment the same id, and its role counts', async (t) => {
  const sysroot = makeSysroot(t);
  const [a, b] = [sysroot.deploy({}), sysroot.deploy({})];
  const entry = (id: string, name: string) => ({
    image: {
      image: { image: name, transport: 'registry' },
      version: '42',
      imageDigest: 'sha256:1',
    },
    ostree: { stateroot: 'acme', checksum: id.slice(0, 64), deploySerial: 0 },
  });
  const status = { booted: entry(a, 'acme/os:1'), rollback: entry(b, 'acme/os:0'), staged: null };
  const directory = temporaryDirectory(t);
  const socket = join(directory, 'status.sock');
  const server = createServer((connection) => connection.end(JSON.stringify({ status })));
  await new Promise<void>((listening) => server.listen(socket, listening));
  t.after(() => server.close());
  const { deployments, failures } = await openUpdaters({
    directories: undefined,
    places: bootedAs(sysroot, a),
    environment: { BERTH_BOOTC_STATUS: `unix:${socket}` },
  }).all();
  assert.deepEqual(failures, []);
  const told = deployments.map(({ id, updater, role, version, image }) =>
    [id, updater, role, version, image?.name].join(' '),
  );
  // A sysroot that can't be read says not how bootc's trees are to be read.
  const broken = await openUpdaters({
    directories: undefined,
    places: { ...bootedAs(sysroot, a), boot: directory },
    environment: { BERTH_BOOTC_STATUS: `unix:${socket}` },
  }).all();
  assert.deepEqual([broken.deployments.length, broken.failures.length], [0, 1]);
  // To ostree alone, what boots before the running one is an update.
  assert.equal(roles(bootedAs(sysroot, a))[b], 'staged');
  assert.deepEqual(
    new Set(told),
    new Set([`${a} bootc booted 42 acme/os:1`, `${b} bootc rollback 42 acme/os:0`]),
  );
});

test('dictionaries of every size are read as the real program writes them', (t) => {
  const { ostree, commit, places } = makeSysroot(t);
  commit('acme/meta', {});
  const repository = join(places.sysroot, 'ostree/repo');
  for (const length of [1, 200, 300, 70_000]) {
    const values = { a: 'x'.repeat(length), 'b.c-d': 'grüße', e: '' };
    const words = Object.entries(values).map(
      ([key, value]) => `--add-detached-metadata-string=${key}=${value}`,
    );
    const commitOf = (...more: string[]) =>
      ostree('commit', `--repo=${repository}`, '--branch=acme/x', '--tree=ref=acme/meta', ...more);
    const id = commitOf(...words, `--subject=${length}`);
    const detached = join(repository, 'objects', id.slice(0, 2), `${id.slice(2)}.commitmeta`);
    const read = readDictionary(readFileSync(detached));
    const found = Object.fromEntries([...read].map(([key, value]) => [key, textOf(value)]));
    assert.deepEqual(found, values);
  }
});
