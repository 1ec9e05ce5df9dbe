import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { isEngineId } from '../../src/common/engine-id.ts';
import { discover } from '../../src/discovery/discover.ts';
import { openRoot } from '../../src/root/open-root.ts';
import { holds } from '../support/property.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import {
  container,
  discovered,
  images,
  problems,
  shortNames,
  units,
  writeTree,
} from '../support/tree.ts';

test('one bad file never hides the others', async (t) => {
  const found = await discovered(t, {
    [`${units}/a.container`]: container('q.io/a'),
    [`${units}/b.container`]: 'nonsense',
    [`${units}/c.container`]: '-> c.container',
    [`${units}/d.container`]: Buffer.alloc(1024 * 1024 + 1, 'x'),
    [`${units}/e.container/f`]: '',
    [`${units}/g.container`]: container('q.io/g'),
  });
  assert.deepEqual(images(found), ['a.service q.io/a:latest', 'g.service q.io/g:latest']);
  // podman's generator gives up the whole directory.
  assert.deepEqual(problems(found), [
    `syntax ${units}/a.container`,
    `syntax ${units}/g.container`,
    `syntax ${units}/b.container:1`,
    `too-many-links ${units}/c.container`,
    `too-large ${units}/d.container`,
    `not-a-file ${units}/e.container`,
  ]);
  for (const { subject } of found.problems) assert.ok(subject?.unit.endsWith('.service'));
});

test('a FIFO does not block the search', async (t) => {
  const directory = temporaryDirectory(t);
  writeTree(directory, { [`${units}/a.container`]: container('q.io/a') });
  mkdirSync(join(directory, 'etc/containers/systemd'), { recursive: true });
  execFileSync('mkfifo', [join(directory, 'etc/containers/systemd/a.container')]);
  execFileSync('mkfifo', [join(directory, units, 'berth.conf')]);
  const root = openRoot(directory);
  t.after(() => root.close());
  const found = await discover(root, { shortNames, architecture: 'x86-64' });
  assert.deepEqual(images(found), ['a.service q.io/a:latest']);
  assert.deepEqual(problems(found), ['not-a-file /etc/containers/systemd/a.container']);
});

test('a link to the whole root does not loop', async (t) => {
  const found = await discovered(t, {
    [`${units}/all`]: '-> /',
    [`${units}/a.container`]: container('q.io/a'),
    '/opt/x/b.container': container('q.io/b'),
  });
  assert.deepEqual(images(found), ['b.service q.io/b:latest', 'a.service q.io/a:latest']);
});

test('short names are looked up in the context', async (t) => {
  const directory = temporaryDirectory(t);
  writeTree(directory, { [`${units}/a.container`]: container('web:1') });
  const root = openRoot(directory);
  t.after(() => root.close());
  const found = await discover(root, {
    shortNames: { searchRegistries: [], aliases: { web: 'q.io/team/web' } },
    architecture: 'x86-64',
  });
  assert.deepEqual(images(found), ['a.service q.io/team/web:1']);
  const none = await discover(root, {
    shortNames: { searchRegistries: [], aliases: {} },
    architecture: 'x86-64',
  });
  assert.deepEqual(images(none), ['a.service -']);
  assert.deepEqual(problems(none), [`short-name ${units}/a.container:2`]);
});

const names = [
  'a.container',
  'a@.container',
  'a@b.container',
  'a.image',
  'a.volume',
  'a.kube',
  'a.pod',
  'a.container.d/1.conf',
  'container.d/2.conf',
  'users/a.container',
];
const piece = fc.oneof(
  fc.constantFrom(
    '[Container]\n',
    '[Image]\n',
    '[Volume]\n',
    '[Service]\n',
    '[X-Berth]\n',
    'Image=',
    'Image=a.image\n',
    'Driver=image\n',
    'Environment=',
    'User=',
    'DynamicUser=yes\n',
    'PodmanArgs=',
    'Mount=',
    '%i%A%%$X${Y}',
    '"',
    "'",
    '\\',
    '\\\n',
    '=',
    '\n',
  ),
  fc.string({ maxLength: 8 }),
);
const anyBytes = fc.oneof(
  fc.array(piece, { maxLength: 25 }).map((pieces) => Buffer.from(pieces.join(''))),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
);

test('any bytes in any unit file give references and problems in a stable order', async (t) => {
  const top = temporaryDirectory(t);
  let number = 0;
  await holds(
    60,
    fc.asyncProperty(
      fc.dictionary(fc.constantFrom(...names), anyBytes, { maxKeys: 6 }),
      async (files) => {
        const directory = join(top, String(number++));
        mkdirSync(join(directory, 'etc'), { recursive: true });
        for (const [name, content] of Object.entries(files)) {
          writeTree(directory, { [`${units}/${name}`]: content });
        }
        const root = openRoot(directory);
        try {
          const context = { shortNames, architecture: 'x86-64' };
          const found = await discover(root, context);
          assert.deepEqual(await discover(root, context), found);
          for (const { image, engine, problems: its } of found.references) {
            assert.ok(image !== undefined || its.length > 0);
            const isUnknown = its.some(({ code }) => code === 'engine-unknown');
            assert.ok(isUnknown ? engine === undefined : isEngineId(engine));
          }
        } finally {
          root.close();
        }
      },
    ),
  );
});

test('a mebibyte of text in each place where units are parsed takes linear time', async (t) => {
  // A quadratic step would take minutes here.
  const size = 1024 * 1024 - 100;
  const lines = (line: string) => line.repeat(size / line.length);
  const one = { [`${units}/n.network`]: `[Network]\n${lines('Label=a\n')}` };
  for (const content of [
    `Image=${'${A}'.repeat(size / 4)}\n[Service]\nEnvironment=A=b\n`,
    `Image=${'%i'.repeat(size / 2)}\n`,
    `Image=q.io/a\nPodmanArgs=${'"a" '.repeat(size / 4)}\n`,
    `Image=q.io/a\n${lines('PodmanArgs=--x\n')}`,
    `Image=q.io/a\n${lines('Mount=type=bind\n')}`,
    `Image=q.io/a\n${lines('Network=n.network\n')}`,
    `Image=q.io/a\n[Unit]\n${lines('After=n.network\n')}`,
    `Image=${'a/'.repeat(size / 2)}\n`,
    lines('Image=a\n'),
  ]) {
    const found = await discovered(t, {
      ...one,
      [`${units}/a.container`]: `[Container]\n${content}`,
    });
    assert.ok(found.references.length + found.problems.length > 0);
  }
});
