import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import fc from 'fast-check';
import { readDictionary, textOf } from '../../src/deployment/gvariant.ts';
import { openUnbooted } from '../../src/deployment/open-deployment.ts';
import { readBootedOstree, readOstree } from '../../src/deployment/ostree.ts';
import type { Places } from '../../src/deployment/places.ts';
import { openUpdaters } from '../../src/deployment/read.ts';
import type { Root } from '../../src/root/root.ts';
import { writeRoot } from '../support/berth.ts';
import { holds } from '../support/property.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** A sysroot that the real ostree makes, without a host that runs. */
interface Sysroot {
  readonly places: Places;
  readonly ostree: (...words: string[]) => string;
  /** Why ostree refuses this, if it does. */
  readonly refused: (...words: string[]) => string | undefined;
  /** Commits a tree with these files below `usr/etc` and deploys it; returns `checksum.serial`. */
  readonly deploy: (etc: Readonly<Record<string, string>>, ...more: string[]) => string;
  readonly commit: (branch: string, etc: Readonly<Record<string, string>>) => string;
  readonly tree: (id: string) => string;
}

function makeSysroot(t: TestContext): Sysroot {
  const directory = temporaryDirectory(t);
  const sysroot = join(directory, 'sysroot');
  const run = join(directory, 'run');
  mkdirSync(sysroot);
  mkdirSync(run);
  const run_ = (words: readonly string[]) =>
    spawnSync('ostree', words, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      // Else the test could not remove the deployments again.
      env: { ...process.env, OSTREE_SYSROOT_DEBUG: 'mutable-deployments' },
    });
  const ostree = (...words: string[]) => {
    const { status, stdout, stderr } = run_(words);
    assert.equal(status, 0, `ostree ${words.join(' ')}: ${stderr}`);
    return stdout.trim();
  };
  const refused = (...words: string[]) => {
    const { status, stderr } = run_([...words, `--sysroot=${sysroot}`]);
    return status === 0 ? undefined : stderr;
  };
  ostree('admin', 'init-fs', sysroot);
  ostree('admin', 'os-init', 'acme', `--sysroot=${sysroot}`);
  let count = 0;
  const commit = (branch: string, etc: Readonly<Record<string, string>>) => {
    const tree = join(directory, `tree${count++}`);
    const below = Object.entries(etc).map(([path, content]) => [`usr/etc/${path}`, content]);
    writeRoot(tree, {
      'usr/etc/os-release': 'ID=acme\n',
      'usr/lib/os-release': 'ID=acme\n',
      'usr/lib/modules/6.1/vmlinuz': 'kernel',
      'usr/lib/modules/6.1/initramfs.img': 'initramfs',
      'var/x': '',
      'sysroot/x': '',
      ...Object.fromEntries(below),
    });
    rmSync(join(tree, 'var/x'));
    rmSync(join(tree, 'sysroot/x'));
    symlinkSync('sysroot/ostree', join(tree, 'ostree'));
    const words = ['--no-xattrs', '--owner-uid=0', '--owner-gid=0', `--tree=dir=${tree}`];
    return ostree('commit', `--repo=${sysroot}/ostree/repo`, `--branch=${branch}`, ...words);
  };
  return {
    places: { root: directory, sysroot, boot: join(sysroot, 'boot'), run, mountinfo: '/dev/null' },
    ostree,
    refused,
    commit,
    deploy: (etc, ...more) => {
      const checksum = commit(`acme/v${count}`, { ...etc, version: String(count) });
      ostree('admin', 'deploy', '--os=acme', `--sysroot=${sysroot}`, ...more, checksum);
      return `${checksum}.0`;
    },
    tree: (id) => join(sysroot, 'ostree/deploy/acme/deploy', id),
  };
}

/** Makes one of the deployments the one that runs, as its device and inode tell. */
function bootedAs({ places, tree }: Sysroot, id: string): Places {
  writeFileSync(join(places.run, 'ostree-booted'), '');
  return { ...places, root: tree(id) };
}

const roles = (places: Places) =>
  Object.fromEntries((readOstree(places) ?? []).map(({ id, role }) => [id, role]));

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

test('a too deep /etc is an error, and a link in its place is read inside the root', (t) => {
  const sysroot = makeSysroot(t);
  const a = sysroot.deploy({});
  const b = sysroot.deploy({});
  const deep = join(sysroot.tree(a), 'etc', ...Array.from({ length: 70 }, () => 'd'));
  mkdirSync(deep, { recursive: true });
  assert.throws(() => openStaged(sysroot, b, a), { code: 'unreadable-root', hint: /take out/ });
  rmSync(join(sysroot.tree(a), 'etc/d'), { recursive: true });
  const usretc = join(sysroot.tree(b), 'usr/etc');
  rmSync(usretc, { recursive: true });
  symlinkSync('/etc/../../../../../../..', usretc);
  openStaged(sysroot, b, a).close();
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

/** @param from whose local changes are taken over. */
function openStaged({ tree }: Sysroot, id: string, from: string): Root {
  const location = tree(id);
  return openUnbooted({
    id,
    location,
    var: join(location, '../../var'),
    staged: { from: tree(from) },
  });
}

/** All files below a directory: kind and content or link target by path. */
function listed(directory: string, path = ''): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(join(directory, path))) {
    const at = `${path}/${name}`;
    const full = join(directory, at);
    const stats = lstatSync(full);
    if (stats.isDirectory()) Object.assign(found, { [at]: 'directory' }, listed(directory, at));
    else
      found[at] = stats.isSymbolicLink() ? `-> ${readlinkSync(full)}` : readFileSync(full, 'utf8');
  }
  return found;
}

function shown(root: Root, path = ''): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { name, kind } of root.list(`/etc${path}`) ?? []) {
    const at = `${path}/${name}`;
    if (kind === 'directory') Object.assign(found, { [at]: 'directory' }, shown(root, at));
    else if (kind === 'link') found[at] = `-> ${root.readLink(`/etc${at}`)}`;
    else found[at] = root.readFile(`/etc${at}`)?.content.toString('utf8') ?? '';
  }
  return found;
}

/**
 * Without directories in which no file is: ostree leaves some behind for what it then does not copy (a
 * pipe in the place of a directory), and nothing can be read in one.
 */
function withFiles(found: Record<string, string>): Record<string, string> {
  const files = Object.keys(found).filter((path) => found[path] !== 'directory');
  const isKept = ([path, kind]: [string, string]) =>
    kind !== 'directory' || files.some((file) => file.startsWith(`${path}/`));
  return Object.fromEntries(Object.entries(found).filter(isKept));
}

/** Defaults of one version of the OS; a directory of one may be a file of another, or none. */
const contents = fc.constantFrom('one', 'two', '-> ../usr/lib/os-release');
const paths = ['a', 'b', 'd/x', 'd/y', 'd/e/z', 'd/e/f/g', 'k/x', 'k/y'];
const defaults = fc
  .record({
    files: fc.dictionary(fc.constantFrom(...paths), contents),
    flat: fc.subarray(['d', 'd/e', 'k']),
  })
  .map(({ files, flat }) => {
    const kept = Object.entries(files).filter(
      ([path]) => !flat.some((file) => path.startsWith(`${file}/`)),
    );
    const only = flat.filter((file) => !flat.some((other) => file.startsWith(`${other}/`)));
    return Object.fromEntries([...kept, ...only.map((file) => [file, 'was a directory'])]);
  });
const changes = fc.array(
  fc.record({
    path: fc.constantFrom(...paths, 'd', 'd/e', 'k', 'new', 'd/new', 'n/deep/file'),
    what: fc.constantFrom('write', 'remove', 'link', 'mode', 'directory', 'fifo'),
  }),
  { maxLength: 6 },
);

function change(etc: string, { path, what }: { path: string; what: string }): void {
  const file = join(etc, path);
  // Files at the place of a directory are removed first, from the top down.
  const parents = path
    .split('/')
    .slice(0, -1)
    .map((_, i, names) => join(etc, ...names.slice(0, i + 1)));
  for (const parent of parents) {
    if (lstatSync(parent, { throwIfNoEntry: false })?.isDirectory() === false) rmSync(parent);
  }
  if (what === 'mode') {
    if (existsSync(file) && !lstatSync(file).isSymbolicLink()) chmodSync(file, 0o700);
    return;
  }
  rmSync(file, { force: true, recursive: true });
  if (what === 'remove') return;
  mkdirSync(dirname(file), { recursive: true });
  if (what === 'write') writeFileSync(file, 'changed here');
  if (what === 'link') symlinkSync('elsewhere', file);
  if (what === 'directory') writeRoot(file, { inside: 'added here' });
  if (what === 'fifo') execFileSync('mkfifo', [file]);
}

test('the /etc of a staged root equals the result of ostree’s own merge', async (t) => {
  const sysroot = makeSysroot(t);
  let merged = 0;
  await holds(
    6,
    fc.asyncProperty(defaults, defaults, changes, async (before, after, made) => {
      const a = sysroot.deploy(before, '--no-merge');
      for (const one of made) change(join(sysroot.tree(a), 'etc'), one);
      const b = sysroot.commit('acme/next', { ...after, version: `${a} next` });
      const refusal = sysroot.refused('admin', 'deploy', '--os=acme', b);
      if (refusal !== undefined) {
        // ostree merges no pipe, and no file if the new default has a directory at its place.
        assert.match(refusal, /During \/etc merge|non-regular|[Nn]ot a directory/);
        return;
      }
      merged++;
      const id = `${b}.0`;
      const root = openStaged(sysroot, id, a);
      try {
        const real = listed(join(sysroot.tree(id), 'etc'));
        assert.deepEqual(withFiles(shown(root)), withFiles(real));
      } finally {
        root.close();
      }
    }),
  );
  assert.ok(merged > 3, `ostree merged ${merged}`);
});

test('a transient /etc keeps no local change; links lead from /etc to /usr and back', (t) => {
  const sysroot = makeSysroot(t);
  const a = sysroot.deploy({ mine: 'old' });
  const etc = join(sysroot.tree(a), 'etc');
  writeFileSync(join(etc, 'mine'), 'changed here');
  writeFileSync(join(etc, 'added'), 'added here');
  symlinkSync('../usr/lib/os-release', join(etc, 'out'));
  const open = (id: string) => openStaged(sysroot, id, a);
  const text = (root: Root, path: string) => root.readFile(path)?.content.toString();
  const plain = open(sysroot.deploy({ mine: 'new' }));
  assert.deepEqual(
    [text(plain, '/etc/mine'), text(plain, '/etc/added')],
    ['changed here', 'added here'],
  );
  assert.equal(text(plain, '/etc/out'), 'ID=acme\n');
  assert.equal(text(plain, '/usr/../etc/./out'), 'ID=acme\n');
  assert.equal(plain.lookup('/etc/out')?.realPath, '/usr/lib/os-release');
  plain.close();
  const transient = open(
    sysroot.deploy({ mine: 'new', 'ostree/prepare-root.conf': '[etc]\ntransient=true\n' }),
  );
  assert.deepEqual(
    [text(transient, '/etc/mine'), text(transient, '/etc/added')],
    ['new', undefined],
  );
  transient.close();
});

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
