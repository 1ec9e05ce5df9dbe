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
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import fc from 'fast-check';
import { openStaged } from '../../src/deployment/merged-etc.ts';
import { readOstree } from '../../src/deployment/ostree.ts';
import type { Places } from '../../src/deployment/places.ts';
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
    places: { root: directory, sysroot, boot: join(sysroot, 'boot'), run },
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

test('the deployments of a real sysroot, by their place in the boot order', async (t) => {
  const sysroot = makeSysroot(t);
  const { places, ostree, deploy, tree } = sysroot;
  const a = deploy({});
  assert.equal(readOstree(places), undefined, 'not booted by ostree');
  const b = deploy({});
  assert.deepEqual(roles(bootedAs(sysroot, b)), { [b]: 'booted', [a]: 'rollback' });
  assert.deepEqual(roles(bootedAs(sysroot, a)), { [b]: 'rollback', [a]: 'booted' });
  const c = deploy({}, '--retain');
  assert.deepEqual(roles(bootedAs(sysroot, b)), { [c]: 'staged', [b]: 'booted', [a]: 'rollback' });
  ostree('admin', 'pin', `--sysroot=${places.sysroot}`, '0');
  const pinned = readOstree(bootedAs(sysroot, a))?.find(({ id }) => id === c);
  assert.deepEqual([pinned?.pinned, pinned?.location], [true, tree(c)]);
  ostree('admin', 'undeploy', `--sysroot=${places.sysroot}`, '2');
  assert.deepEqual(roles(bootedAs(sysroot, b)), { [c]: 'rollback', [b]: 'booted' });
  mkdirSync(tree(`${'e'.repeat(64)}.0`));
  assert.equal(readOstree(bootedAs(sysroot, b))?.length, 2, 'a checkout that nothing leads to');
});

test('another stateroot is another OS, and what is not booted at all is a failure', (t) => {
  const sysroot = makeSysroot(t);
  const { places, ostree, deploy } = sysroot;
  const a = deploy({});
  ostree('admin', 'os-init', 'other', `--sysroot=${places.sysroot}`);
  const checksum = a.slice(0, 64);
  ostree('admin', 'deploy', '--os=other', `--sysroot=${places.sysroot}`, checksum);
  const found = readOstree(bootedAs(sysroot, a)) ?? [];
  const told = found.map(({ id, role, location }) =>
    [id.slice(64), role, /deploy\/(acme|other)\//.exec(location)?.[1]].join(' '),
  );
  assert.deepEqual(new Set(told), new Set(['.0 booted acme', '.0@other other other']));
  assert.throws(() => readOstree({ ...places, root: '/' }), { code: 'deployments' });
});

test('state in /run that can’t be read is a failure, and hangs nobody', (t) => {
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
});

/** What is below a directory: kinds, contents and link texts by path. */
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
  for (let parent = dirname(file); parent !== etc; parent = dirname(parent)) {
    if (existsSync(parent) && !statSync(parent).isDirectory()) rmSync(parent);
  }
  if (what === 'mode') {
    if (existsSync(file)) chmodSync(file, 0o700);
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

test('the /etc of a staged root is what ostree’s own merge makes of it', async (t) => {
  const sysroot = makeSysroot(t);
  let merged = 0;
  await holds(
    15,
    fc.asyncProperty(defaults, defaults, changes, async (before, after, made) => {
      const a = sysroot.deploy(before, '--no-merge');
      for (const one of made) change(join(sysroot.tree(a), 'etc'), one);
      const b = sysroot.commit('acme/next', { ...after, version: `${a} next` });
      const refusal = sysroot.refused('admin', 'deploy', '--os=acme', b);
      if (refusal !== undefined) {
        // It merges no file where the new default has a directory, and no pipe.
        assert.match(refusal, /During \/etc merge|non-regular|[Nn]ot a directory/);
        return;
      }
      merged++;
      const [id] = [`${b}.0`];
      const root = openStaged(id, sysroot.tree(id), sysroot.tree(a));
      try {
        assert.deepEqual(shown(root), listed(join(sysroot.tree(id), 'etc')));
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
  const open = (id: string) => openStaged(id, sysroot.tree(id), sysroot.tree(a));
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
