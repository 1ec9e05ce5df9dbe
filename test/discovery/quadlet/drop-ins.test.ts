import assert from 'node:assert/strict';
import { test } from 'node:test';
import { container, discovered, images, problems, units } from '../../support/tree.ts';

const etc = '/etc/containers/systemd';

test('drop-ins in directories of all five kinds are read, and the most specific file of a name wins', async (t) => {
  const breadths = [
    'a-b@i.container.d',
    'a-b@.container.d',
    'a-@.container.d',
    'a-.container.d',
    'container.d',
  ];
  for (let first = 0; first < breadths.length; first++) {
    const tree = Object.fromEntries(
      breadths
        .slice(first)
        .map((name) => [`${units}/${name}/1.conf`, container(`q.io/${name.slice(0, -12)}x`)]),
    );
    const found = await discovered(t, { [`${units}/a-b@i.container`]: '[Container]\n', ...tree });
    assert.equal(found.references[0]?.path, `${units}/${breadths[first]}/1.conf`);
    assert.equal(found.references[0]?.line, 2);
  }
});

test('files of different names apply in the order of their names, whatever their directories', async (t) => {
  const found = await discovered(t, {
    [`${units}/a.container`]: container('q.io/unit'),
    [`${units}/a.container.d/20.conf`]: container('q.io/twenty'),
    [`${units}/container.d/30.conf`]: container('q.io/thirty'),
    [`${etc}/a.container.d/10.conf`]: container('q.io/ten'),
    [`${etc}/a.container.d/99.txt`]: container('q.io/no-drop-in'),
  });
  assert.deepEqual(images(found), ['a.service q.io/thirty:latest']);
  const [reference] = found.references;
  assert.equal(reference?.path, `${units}/container.d/30.conf`);
  assert.equal(reference?.unitPath, `${units}/a.container`);
});

test('a specific drop-in wins over a broad one in an earlier directory', async (t) => {
  const found = await discovered(t, {
    [`${units}/a.container`]: container('q.io/unit'),
    [`${units}/a.container.d/1.conf`]: container('q.io/specific'),
    [`${etc}/container.d/1.conf`]: container('q.io/broad'),
  });
  assert.deepEqual(images(found), ['a.service q.io/specific:latest']);
});

test('among drop-in directories of one name the first search directory wins, subdirectories too', async (t) => {
  const found = await discovered(t, {
    [`${units}/a.container`]: container('q.io/unit'),
    [`${units}/a.container.d/1.conf`]: container('q.io/usr'),
    [`${etc}/sub/a.container.d/1.conf`]: container('q.io/etc'),
  });
  assert.deepEqual(images(found), ['a.service q.io/etc:latest']);
});

test('drop-ins beside the target of a link do not count, those of its own name do', async (t) => {
  const found = await discovered(t, {
    [`${units}/a.container`]: '-> /opt/a.container',
    '/opt/a.container': container('q.io/unit'),
    '/opt/a.container.d/1.conf': container('q.io/target'),
    [`${units}/b.container`]: '-> /opt/b.container',
    '/opt/b.container': container('q.io/b'),
    [`${units}/b.container.d`]: '-> /opt/elsewhere',
    '/opt/elsewhere/1.conf': container('q.io/elsewhere'),
  });
  assert.deepEqual(images(found), [
    'a.service q.io/unit:latest',
    'b.service q.io/elsewhere:latest',
  ]);
});

test('a drop-in resets, empties and masks keys, and adds its own', async (t) => {
  const found = await discovered(t, {
    [`${units}/a.container`]: `${container('q.io/a')}PodmanArgs=--arch=arm64\n`,
    [`${units}/a.container.d/1.conf`]: '[Container]\nPodmanArgs=\nPull=never\n',
    [`${units}/b.container`]: container('q.io/b'),
    [`${units}/b.container.d/1.conf`]: '[Container]\nImage=\nRootfs=/srv\n',
    [`${units}/container.d/bind.conf`]: '[X-Berth]\nBind=yes\n',
  });
  assert.deepEqual(images(found), ['a.service q.io/a:latest']);
  assert.deepEqual(found.references[0]?.pull, { policy: 'never' });
  assert.equal(found.references[0]?.bind, true);
  assert.deepEqual(problems(found), []);
});

test('a broken drop-in is a problem of each unit, and the units still count', async (t) => {
  const found = await discovered(t, {
    [`${units}/a.container`]: container('q.io/a'),
    [`${units}/b.container`]: container('q.io/b'),
    [`${units}/container.d/1.conf`]: 'nonsense\n',
    [`${units}/container.d/2.conf`]: '-> /dev/null',
  });
  assert.deepEqual(images(found), ['a.service q.io/a:latest', 'b.service q.io/b:latest']);
  assert.deepEqual(
    found.problems.map(({ code, line, subject }) => [code, line, subject?.unit]),
    [
      ['syntax', 1, 'a.service'],
      ['syntax', 1, 'b.service'],
    ],
  );
});

test('templates, instances and default instances have names of their own', async (t) => {
  const found = await discovered(t, {
    [`${units}/a@.container`]: container('q.io/%p:%i'),
    [`${units}/a@one.container`]: '-> a@.container',
    [`${units}/a@two.container`]: '-> a@.container',
    [`${units}/a@two.container.d/1.conf`]: container('q.io/two'),
    [`${units}/b@.container`]: `${container('q.io/%p:%i')}[Install]\nDefaultInstance=main\n`,
    [`${units}/c@.volume`]: '[Volume]\nDriver=image\nImage=q.io/c\n',
    [`${units}/c@x.volume`]: '-> c@.volume',
  });
  assert.deepEqual(images(found).sort(), [
    'a@.service -',
    'a@one.service q.io/a:one',
    'a@two.service q.io/two:latest',
    'b@.service q.io/b:main',
    'c-volume@.service q.io/c:latest',
    'c@x-volume.service q.io/c:latest',
  ]);
  assert.deepEqual(problems(found), [`specifier ${units}/a@.container:2`]);
});

test('the number of drop-ins of one unit is limited', async (t) => {
  const many = Array.from({ length: 1_001 }, (_, i) => [`${units}/container.d/${i}.conf`, '']);
  const found = await discovered(t, {
    [`${units}/a.container`]: container('q.io/a'),
    ...Object.fromEntries(many),
  });
  assert.deepEqual(problems(found), [`too-many-entries ${units}/a.container`]);
});
