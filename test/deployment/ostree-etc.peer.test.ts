import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
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
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { openUnbooted } from '../../src/deployment/open-deployment.ts';
import type { Root } from '../../src/root/root.ts';
import { writeRoot } from '../support/berth.ts';
import { holds } from '../support/property.ts';
import { makeSysroot, type Sysroot } from './ostree-sysroot.ts';

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
