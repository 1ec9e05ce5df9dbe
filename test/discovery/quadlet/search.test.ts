import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { discover } from '../../../src/discovery/discover.ts';
import { openRoot } from '../../../src/root/open-root.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { container, discovered, images, problems, shortNames, units } from '../../support/tree.ts';

test('/run precedes /etc, and /etc precedes /usr/share; the first file of a name wins', async (t) => {
  const found = await discovered(t, {
    '/run/containers/systemd/a.container': container('q.io/run'),
    '/etc/containers/systemd/a.container': container('q.io/etc'),
    '/etc/containers/systemd/b.container': container('q.io/etc'),
    [`${units}/b.container`]: container('q.io/usr'),
    [`${units}/c.container`]: container('q.io/usr'),
  });
  assert.deepEqual(images(found), [
    'b.service q.io/etc:latest',
    'a.service q.io/run:latest',
    'c.service q.io/usr:latest',
  ]);
  assert.deepEqual(problems(found), []);
});

test('in an ostree tree that was never booted, /etc is /usr/etc', async (t) => {
  const found = await discovered(t, {
    '/usr/etc/containers/systemd/a.container': container('q.io/etc'),
    // The booted system will see this link as /etc/containers/systemd/b.container.
    '/usr/etc/containers/systemd/b.container': '-> ../../../usr/lib/b.container',
    '/usr/lib/b.container': container('q.io/b'),
    [`${units}/c.container`]: '-> /etc/c.container',
    '/usr/etc/c.container': container('q.io/c'),
    '/usr/etc/containers/systemd/more': '-> ../../../usr/lib/more',
    '/usr/lib/more/d.container': container('q.io/d'),
  });
  assert.deepEqual(problems(found), []);
  assert.deepEqual(images(found), [
    'a.service q.io/etc:latest',
    'b.service q.io/b:latest',
    'd.service q.io/d:latest',
    'c.service q.io/c:latest',
  ]);
});

test('in a tree with /etc, /usr/etc is not searched', async (t) => {
  const found = await discovered(t, {
    '/usr/etc/containers/systemd/a.container': container('q.io/a'),
    '/etc/hostname': 'x',
  });
  assert.deepEqual(images(found), []);
});

test('the walk is recursive, depth first and sorted, without directories that end in .d', async (t) => {
  const found = await discovered(t, {
    [`${units}/z.container`]: container('q.io/top'),
    [`${units}/a/z.container`]: container('q.io/hidden'),
    [`${units}/a/deep/x.container`]: container('q.io/first'),
    [`${units}/b/x.container`]: container('q.io/second'),
    [`${units}/a.d/y.container`]: container('q.io/never'),
  });
  assert.deepEqual(images(found), ['x.service q.io/first:latest', 'z.service q.io/top:latest']);
});

test('links are followed, to each directory once and never out of the root', async (t) => {
  const found = await discovered(t, {
    [`${units}/sub`]: '-> /opt/units',
    [`${units}/again`]: '-> ../../../../opt/units',
    [`${units}/loop`]: '-> ../systemd',
    [`${units}/up`]: '-> ../../../../../../../../../../usr/share/containers/systemd',
    [`${units}/b.container`]: '-> /opt/real.container',
    '/opt/units/a.container': container('q.io/a'),
    '/opt/real.container': container('q.io/b'),
  });
  assert.deepEqual(problems(found), []);
  assert.deepEqual(
    found.references.map(({ unitPath, unitRealPath }) => [unitPath, unitRealPath]),
    [
      // The directory is listed when the first link leads to it, under its real path.
      ['/opt/units/a.container', undefined],
      [`${units}/b.container`, '/opt/real.container'],
    ],
  );
});

test('a dangling link and a directory with a unit name are problems and hide nothing', async (t) => {
  const root = {
    '/etc/containers/systemd/a.container': '-> /nowhere',
    '/etc/containers/systemd/b.container/x': '',
    [`${units}/a.container`]: container('q.io/a'),
    [`${units}/b.container`]: container('q.io/b'),
  };
  const found = await discovered(t, root);
  assert.deepEqual(images(found), ['a.service q.io/a:latest', 'b.service q.io/b:latest']);
  assert.deepEqual(problems(found), [
    'dangling-link /etc/containers/systemd/a.container',
    'not-a-file /etc/containers/systemd/b.container',
  ]);
  assert.deepEqual(found.problems[0]?.subject, {
    unitPath: '/etc/containers/systemd/a.container',
    unit: 'a.service',
  });
});

test('an empty file or a link to /dev/null masks a unit without a problem', async (t) => {
  const found = await discovered(t, {
    '/etc/containers/systemd/a.container': '',
    '/etc/containers/systemd/b.container': '-> /dev/null',
    '/etc/containers/systemd/c.container': '-> ../../../../dev/null',
    '/etc/containers/systemd/d.container': '-> d2',
    '/etc/containers/systemd/d2': '-> /dev/null',
    '/etc/containers/systemd/e.kube': '# nothing\n',
    [`${units}/a.container`]: container('q.io/a'),
    [`${units}/b.container`]: container('q.io/b'),
    [`${units}/c.container`]: container('q.io/c'),
    [`${units}/d.container`]: container('q.io/d'),
    [`${units}/e.kube`]: '[Kube]\nYaml=x.yaml\n',
  });
  assert.deepEqual(images(found), []);
  assert.deepEqual(problems(found), []);
});

test('a drop-in unmasks a unit with an empty file', async (t) => {
  const found = await discovered(t, {
    '/etc/containers/systemd/a.container': '',
    '/etc/containers/systemd/a.container.d/1.conf': container('q.io/a'),
  });
  assert.deepEqual(images(found), ['a.service q.io/a:latest']);
});

test('a file that can not be parsed is reported with its line and hides no later file', async (t) => {
  const found = await discovered(t, {
    '/etc/containers/systemd/a.container': '[Container]\nImage\n',
    [`${units}/a.container`]: container('q.io/a'),
  });
  assert.deepEqual(images(found), ['a.service q.io/a:latest']);
  assert.deepEqual(problems(found), ['syntax /etc/containers/systemd/a.container:2']);
});

test('a service of the administrator takes precedence, which is a problem unless it is a mask', async (t) => {
  const found = await discovered(t, {
    [`${units}/a.container`]: container('q.io/a'),
    [`${units}/b.container`]: container('q.io/b'),
    [`${units}/c.container`]: container('q.io/c'),
    [`${units}/d.volume`]: '[Volume]\nDriver=image\nImage=q.io/d\n',
    '/etc/systemd/system/a.service': '[Service]\nExecStart=/bin/true\n',
    '/etc/systemd/system/b.service': '-> /dev/null',
    '/etc/systemd/system/d-volume.service': '',
    '/usr/lib/systemd/system/c.service': '[Service]\nExecStart=/bin/true\n',
  });
  assert.deepEqual(images(found), ['c.service q.io/c:latest']);
  assert.deepEqual(problems(found), [`overridden ${units}/a.container:2`]);
});

test('a name that is not UTF-8 is kept as it is', async (t) => {
  const directory = temporaryDirectory(t);
  const place = join(directory, units);
  mkdirSync(place, { recursive: true });
  const path = Buffer.concat([
    Buffer.from(`${place}/x`),
    Buffer.from([0xff]),
    Buffer.from('.container'),
  ]);
  writeFileSync(path, container('q.io/x'));
  const root = openRoot(directory);
  t.after(() => root.close());
  const found = await discover(root, { shortNames, architecture: 'x86-64' });
  assert.deepEqual(
    found.references.map(({ unitPath, unit, image }) => [unitPath, unit, image]),
    [[`${units}/x\udcff.container`, 'x\udcff.service', 'q.io/x:latest']],
  );
});

test('a tree without units gives nothing', async (t) => {
  const found = await discovered(t, { '/etc/hostname': 'x' });
  assert.deepEqual(found, {
    references: [],
    accounts: [],
    problems: [],
    links: [],
    policy: { include: [], exclude: [] },
    storage: { additionalStores: [] },
    withoutHandover: [],
  });
});

test('a tree with too many levels of directories is a problem', async (t) => {
  const found = await discovered(t, {
    [`${units}${'/d'.repeat(80)}/a.container`]: container('q.io/a'),
    [`${units}/z.container`]: container('q.io/z'),
  });
  assert.deepEqual(images(found), ['z.service q.io/z:latest']);
  assert.deepEqual(
    found.problems.map(({ code }) => code),
    ['too-deep'],
  );
  assert.ok(found.problems[0]?.subject);
});

const etc = '/etc/containers/systemd';

test('a file that cannot be parsed takes its directory with it, and hides no lower file', async (t) => {
  const wanted = (image: string) => `${container(image)}[Install]\nWantedBy=default.target\n`;
  const found = await discovered(t, {
    '/usr/lib/systemd/system/default.target': '[Unit]\n',
    [`${etc}/bad.container`]: 'nonsense\n',
    [`${etc}/good.container`]: wanted('q.io/good:1'),
    [`${etc}/i.image`]: '[Image]\nImage=q.io/i:1\n',
    [`${etc}/sub/s.container`]: wanted('q.io/sub:1'),
    [`${units}/good.container`]: wanted('q.io/low:1'),
    [`${units}/bad.container`]: wanted('q.io/bad:1'),
    [`${units}/user.container`]: wanted('i.image'),
  });
  assert.deepEqual(
    found.references.map(({ unit, image, activation }) => `${unit} ${image ?? '-'} ${activation}`),
    [
      'good.service q.io/good:1 none',
      'i-image.service q.io/i:1 none',
      's.service q.io/sub:1 boot',
      'bad.service q.io/bad:1 boot',
    ],
  );
  assert.deepEqual(problems(found), [
    `syntax ${etc}/good.container`,
    `syntax ${etc}/i.image`,
    `pull-always ${etc}/i.image:2`,
    `syntax ${etc}/bad.container:1`,
    `refused ${units}/user.container:2`,
  ]);
});
