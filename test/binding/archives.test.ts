import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { bindingsOf } from '../../src/binding/bindings.ts';
import { survey } from '../../src/binding/survey.ts';
import { hostPlatform } from '../../src/image/platform.ts';
import { dockerArchive, dockerMembers, ociArchive } from '../support/archives.ts';
import { buildImage } from '../support/image-builder.ts';
import { tar } from '../support/tar.ts';
import { container, rootOf, type Tree, units } from '../support/tree.ts';

const image = buildImage({ layers: [{ bytes: 3000, seed: 1 }] });
const archive = (...names: string[]) => dockerArchive([{ image, names }]);
const users = '/usr/share/containers/systemd/users';
const passwd = 'eve:x:1000:1000::/home/eve:/bin/sh\n';

/** Each binding with where its image is: in the `root`, in an `archive` at the start, or `elsewhere`. */
async function found(t: TestContext, tree: Tree): Promise<readonly string[]> {
  const root = rootOf(t, { '/etc/passwd': passwd, ...tree });
  const all = await survey(root, { bind: 'all', compose: [] });
  const { bindings, inArchives } = bindingsOf(all, root, 'bound');
  return [
    ...bindings.map(({ engine, name, shipped }) => {
      const isHere = shipped?.find(name, hostPlatform()) !== undefined;
      return `${engine} ${name} ${isHere ? 'root' : 'elsewhere'}`;
    }),
    ...inArchives.map(({ binding: { engine, name } }) => `${engine} ${name} archive`),
    ...all.problems.map(({ code, message }) => `${code} ${message}`),
  ].sort((a, b) => (a < b ? -1 : 1));
}

test('an archive fills the engine of the unit that names it, and no other', async (t) => {
  const tree = {
    '/usr/share/a.tar': archive('q.io/a:1'),
    [`${users}/1000/a.container`]: container('docker-archive:/usr/share/a.tar'),
    [`${units}/b.container`]: container('q.io/a:1'),
  };
  assert.deepEqual(await found(t, tree), [
    'podman q.io/a:1 elsewhere',
    'podman:eve q.io/a:1 archive',
  ]);
  const service = '[Service]\nExecStart=docker load -i /usr/share/a.tar\n';
  const more = { ...tree, '/etc/systemd/system/c.service': service };
  assert.ok((await found(t, more)).includes('docker q.io/a:1 root'));
  assert.ok((await found(t, more)).includes('podman q.io/a:1 elsewhere'));
});

test('a name that one unit takes from an archive and another from podman is brought', async (t) => {
  const tree = {
    '/usr/share/a.tar': archive('q.io/a:1'),
    [`${units}/a.container`]: container('docker-archive:/usr/share/a.tar'),
  };
  assert.deepEqual(await found(t, tree), ['podman q.io/a:1 archive']);
  const more = { ...tree, [`${units}/b.container`]: container('q.io/a:1') };
  assert.deepEqual(await found(t, more), ['podman q.io/a:1 root']);
});

test('a name that archives give to two images of one engine is a problem', async (t) => {
  const other = buildImage({ layers: [{ bytes: 3000, seed: 2 }] });
  const list = 'docker-archive:/usr/share/a.tar\n';
  const a = { '/usr/share/a.tar': archive('q.io/a:1') };
  const b = { '/usr/share/b.tar': dockerArchive([{ image: other, names: ['q.io/a:1'] }]) };
  const lists = '/usr/lib/berth/images.d';
  const clash = /^archive expected one image that is called q\.io\/a:1, found another one/;
  const one = { ...a, ...b, [`${lists}/a.list`]: `${list}docker-archive:/usr/share/b.tar\n` };
  assert.match((await found(t, one))[0] ?? '', clash);
  const both = dockerArchive([
    { image, names: ['q.io/a:1'] },
    { image: other, names: ['q.io/a:1'] },
  ]);
  const twice = { '/usr/share/a.tar': both, [`${lists}/a.list`]: list };
  assert.match((await found(t, twice))[0] ?? '', clash);
  // The same image in two formats is one image, and another engine has names of its own.
  const same = ociArchive([{ image, names: ['q.io/a:1'] }]);
  const formats = {
    ...one,
    '/usr/share/b.tar': same,
    [`${lists}/a.list`]: `${list}oci-archive:/usr/share/b.tar\n`,
  };
  assert.deepEqual(await found(t, formats), ['podman q.io/a:1 root']);
  const engines = {
    ...a,
    ...b,
    [`${lists}/a.list`]: list,
    [`${lists}/b.list`]: '# engine: docker\ndocker-archive:/usr/share/b.tar\n',
  };
  assert.deepEqual(await found(t, engines), ['docker q.io/a:1 root', 'podman q.io/a:1 root']);
});

test('an image without a name is called by the path, and is no use in a list', async (t) => {
  const tree = { '/usr/share/My_App.tar': archive() };
  const unit = container('docker-archive:/usr/share/My_App.tar');
  assert.deepEqual(await found(t, { ...tree, [`${units}/a.container`]: unit }), [
    'podman localhost/usr/share/my/app/tar:latest archive',
  ]);
  const list = { '/usr/lib/berth/images.d/a.list': 'docker-archive:/usr/share/My_App.tar\n' };
  assert.deepEqual(await found(t, { ...tree, ...list }), [
    'archive /usr/share/My_App.tar of the root: expected images with full names, found none',
  ]);
});

test('skopeo brings an image of an archive under another name', async (t) => {
  const copy = 'skopeo copy docker-archive:/usr/share/a.tar containers-storage:localhost/b:2';
  const tree = {
    '/usr/share/a.tar': archive('q.io/a:1'),
    '/etc/systemd/system/a.service': `[Service]\nExecStart=${copy}\n`,
  };
  assert.deepEqual(await found(t, tree), ['podman localhost/b:2 root']);
});

test('the images of all archives of a root have a limit', async (t) => {
  const names = Array.from({ length: 1000 }, (_, index) => `q.io/a:${index}`);
  const found = await found100(t, names);
  assert.deepEqual(found, [100_000, 1]);
});

/** The number of images, and of lines with a problem, of a list that names an archive 101 times. */
async function found100(t: TestContext, names: readonly string[]): Promise<readonly number[]> {
  const root = rootOf(t, {
    '/etc/passwd': passwd,
    '/usr/lib/berth/images.d/a.list': 'docker-archive:/usr/share/a.tar\n'.repeat(101),
    '/usr/share/a.tar': tar(dockerMembers([{ image, names }])),
  });
  const { references } = await survey(root, { bind: 'all', compose: [] });
  const faulty = references.filter(({ problems }) => problems.length > 0);
  return [references.length - faulty.length, faulty.length];
}

test('links and spellings of one archive are one archive, and a root has at most 500', async (t) => {
  const lists = '/usr/lib/berth/images.d/a.list';
  const spelled = Array.from(
    { length: 501 },
    (_, at) => `docker-archive:${'/.'.repeat(at)}/usr/a.tar:q.io/a:1\n`,
  );
  const a = { '/usr/a.tar': archive('q.io/a:1'), '/usr/l.tar': '-> a.tar' };
  const one = { ...a, [lists]: `${spelled.join('')}docker-archive:/usr/l.tar:q.io/a:1\n` };
  assert.deepEqual(await found(t, one), ['podman q.io/a:1 root']);
  const missing = Array.from(
    { length: 501 },
    (_, at) => `docker-archive:/usr/${at}.tar:q.io/a:1\n`,
  );
  const problems = await found(t, { [lists]: missing.join('') });
  assert.equal(problems.length, 501);
  assert.equal(problems.filter((text) => /at most 500 archives of the root/.test(text)).length, 1);
});
