import assert from 'node:assert/strict';
import { test } from 'node:test';
import { container, discovered, images, problems, units } from '../../support/tree.ts';

/** The lines after `[Container]` and `Image=q.io/a`, with the code and line of the problem. */
const containers: Record<string, string | undefined> = {
  'Foo=1': 'unknown-key:3',
  'image=x': 'unknown-key:3',
  'Policy=missing': 'unknown-key:3',
  '[Quadlet]\nFoo=1': 'unknown-key:4',
  '[Quadlet]\nDefaultDependencies=no': undefined,
  '[Service]\nFoo=1\n[X-Other]\nBar=2': undefined,
  'Rootfs=/x': 'refused:3',
  'Rootfs=': undefined,
  'Image=': 'refused:3',
  'Image=none.image': 'refused:3',
  'Image=none.build': 'refused:3',
  'Network=none.network:ip=10.0.0.1': 'refused:3',
  'Network=none.container': 'refused:3',
  'Network=host': undefined,
  'Network=refused.network': 'refused:3',
  'Network=fine.network': undefined,
  'Volume=none.volume:/x': 'refused:3',
  'Volume=/none.volume:/x': undefined,
  'Volume=none.volume': undefined,
  'Pod=none.pod': 'refused:3',
  'Pod=web': 'refused:3',
  'Group=x': 'refused:3',
  'User=a\nGroup=x': undefined,
  'ExposeHostPort=http': 'refused:3',
  'ExposeHostPort=80-90/tcp': undefined,
  'ReloadCmd=x\nReloadSignal=HUP': 'refused:4',
  '[Service]\nKillMode=none': 'refused:4',
  '[Service]\nKillMode=mixed\nType=oneshot': undefined,
  '[Service]\nType=simple': 'refused:4',
  '[Unit]\nAfter=x.service none.container': 'refused:4',
  '[Unit]\nAfter=none.container\nAfter=\nAfter=a.container': undefined,
};

for (const [lines, expected] of Object.entries(containers)) {
  test(`a container with ${JSON.stringify(lines)}`, async (t) => {
    const found = await discovered(t, {
      [`${units}/a.container`]: `${container('q.io/a')}${lines}\n`,
      [`${units}/refused.network`]: '[Network]\nFoo=1\n',
      [`${units}/fine.network`]: '[Network]\n',
    });
    assert.deepEqual(images(found), expected === undefined ? ['a.service q.io/a:latest'] : []);
    const [code, line] = expected?.split(':') ?? [];
    assert.deepEqual(
      problems(found),
      expected === undefined ? [] : [`${code} ${units}/a.container:${line}`],
    );
    if (expected !== undefined) assert.equal(found.problems[0]?.subject?.unit, 'a.service');
  });
}

const others: Record<string, [string, string | undefined]> = {
  'a.image': ['[Image]\nPolicy=missing\n', 'refused'],
  'b.image': ['[Image]\nImage=q.io/a\nPolicy=missing\nAuto=1\n', 'unknown-key'],
  'c.volume': ['[Volume]\nDriver=image\n', 'refused'],
  'd.volume': ['[Volume]\nDriver=image\nImage=\n', 'image-name'],
  'e.volume': ['[Volume]\nType=tmpfs\n', 'refused'],
  'f.volume': ['[Volume]\nType=tmpfs\nDevice=tmpfs\nOptions=size=1g\n', undefined],
  'g.volume': ['[Volume]\nName=x\n', 'unknown-key'],
  'h.container': ['[Container]\n', undefined],
  'i.container': ['[Unit]\nDescription=x\n', 'refused'],
};

for (const [name, [content, expected]] of Object.entries(others)) {
  test(`${name} with ${JSON.stringify(content)}`, async (t) => {
    const found = await discovered(t, { [`${units}/${name}`]: content });
    assert.deepEqual(
      problems(found).map((problem) => problem.split(' ')[0]),
      expected === undefined ? [] : [expected],
    );
  });
}
