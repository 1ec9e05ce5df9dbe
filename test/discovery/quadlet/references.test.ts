import assert from 'node:assert/strict';
import { test } from 'node:test';
import { container, discovered, images, problems, units } from '../../support/tree.ts';

test('a reference has its place and its service', async (t) => {
  const { references } = await discovered(t, {
    [`${units}/app.container`]: '# the app\n[Unit]\nDescription=x\n\n[Container]\nImage="nginx"\n',
  });
  assert.deepEqual(references, [
    {
      raw: 'nginx',
      path: `${units}/app.container`,
      line: 6,
      key: 'Image',
      kind: 'container',
      unit: 'app.service',
      unitPath: `${units}/app.container`,
      scope: 'system',
      activation: 'unknown',
      via: [],
      image: 'docker.io/library/nginx:latest',
      pull: { policy: 'missing' },
      engine: 'podman',
      problems: [],
    },
  ]);
});

test('the names of services', async (t) => {
  const volume = '[Volume]\nDriver=image\nImage=q.io/a\n';
  const found = await discovered(t, {
    [`${units}/a.container`]: container('q.io/a'),
    [`${units}/b.image`]: '[Image]\nImage=q.io/a\nPolicy=missing\n',
    [`${units}/c.volume`]: volume,
    [`${units}/d.container`]: `${container('q.io/a')}ServiceName=other\n`,
    [`${units}/e.f.container`]: container('q.io/a'),
    [`${units}/g.volume`]: `${volume}ServiceName=named\n`,
  });
  assert.deepEqual(
    found.references.map(({ unit }) => unit),
    [
      'a.service',
      'b-image.service',
      'c-volume.service',
      'other.service',
      'e.f.service',
      'named.service',
    ],
  );
});

test('a volume names an image only with the driver for it', async (t) => {
  const found = await discovered(t, {
    [`${units}/a.volume`]: '[Volume]\nImage=q.io/a\n',
    [`${units}/b.volume`]: '[Volume]\nDriver="image"\nImage=q.io/b\n',
    [`${units}/c.volume`]: '',
    [`${units}/d.volume`]: '[Volume]\nDriver=image\nImage=x.image\n',
    [`${units}/x.image`]: '[Image]\nImage=q.io/x\nPolicy=newer\n',
  });
  assert.deepEqual(images(found), [
    'b-volume.service q.io/b:latest',
    'd-volume.service q.io/x:latest',
    'x-image.service q.io/x:latest',
  ]);
});

test('Image=x.image means its last ImageTag, else its Image', async (t) => {
  const found = await discovered(t, {
    [`${units}/a.container`]: container('x.image'),
    [`${units}/b.container`]: container('"y.image"'),
    [`${units}/x.image`]: '[Image]\nImage=q.io/x\nPolicy=missing\n',
    [`${units}/y.image`]:
      '[Image]\nImage=q.io/y\nImageTag=q.io/1\nImageTag=q.io/2\nPolicy=missing\n',
  });
  assert.deepEqual(images(found).slice(0, 2), [
    'a.service q.io/x:latest',
    'b.service q.io/2:latest',
  ]);
  assert.equal(found.references[0]?.raw, 'x.image');
  assert.equal(found.references[0]?.line, 2);
  assert.equal(found.references[0]?.path, `${units}/a.container`);
});

test('an image unit that is refused, masked or without a valid name gives no image', async (t) => {
  const found = await discovered(t, {
    [`${units}/a.container`]: container('refused.image'),
    [`${units}/b.container`]: container('masked.image'),
    [`${units}/c.container`]: container('storage.image'),
    [`${units}/refused.image`]: '[Image]\nImage=q.io/x\nFoo=1\n',
    [`${units}/masked.image`]: '',
    [`${units}/storage.image`]:
      '[Image]\nImage=containers-storage:q.io/y\nImageTag=q.io/x\nPolicy=missing\n',
  });
  assert.deepEqual(images(found), [
    'a.service -',
    'b.service -',
    'c.service -',
    'storage-image.service -',
  ]);
  const [a, b, c, storage] = found.references;
  assert.equal(a?.problems[0]?.code, 'refused');
  assert.equal(b?.problems[0]?.code, 'refused');
  assert.deepEqual([c?.problems[0]?.code, c?.problems[0]?.path], ['transport', storage?.path]);
  assert.equal(c?.problems[0]?.subject?.unit, 'c.service');
});

test('an image unit can not refer to another one', async (t) => {
  const found = await discovered(t, {
    [`${units}/a.image`]: '[Image]\nImage=b.image\nPolicy=missing\n',
    [`${units}/b.image`]: '[Image]\nImage=q.io/b\nPolicy=missing\n',
  });
  assert.deepEqual(images(found), [
    'a-image.service docker.io/library/b.image:latest',
    'b-image.service q.io/b:latest',
  ]);
});

test('transports, IDs and invalid names are problems', async (t) => {
  const values: Record<string, string> = {
    'docker://q.io/a': 'q.io/a:latest',
    'docker:24': 'docker.io/library/docker:24',
    'q.io/a@sha256:': 'image-name',
    [`sha256:${'a'.repeat(64)}`]: 'image-id',
    ['b'.repeat(64)]: 'image-id',
    'containers-storage:q.io/a': 'transport',
    'Q.io/UPPER': 'image-name',
    'q.io/a b': 'image-name',
    'q.io/$TAG': 'image-name',
    'q.io/a:%H': 'specifier',
    'q.io/a:${NOPE}': 'variable',
  };
  for (const [value, expected] of Object.entries(values)) {
    const { references } = await discovered(t, { [`${units}/a.container`]: container(value) });
    const [reference] = references;
    assert.equal(reference?.image ?? reference?.problems[0]?.code, expected, value);
    for (const problem of reference?.problems ?? []) {
      assert.equal(problem.line, 2);
      assert.equal(problem.path, `${units}/a.container`);
      assert.ok(problem.hint !== '' && problem.message !== '');
      assert.deepEqual(problem.subject, { unitPath: `${units}/a.container`, unit: 'a.service' });
    }
  }
});

test('archives in the root are no images of a registry, and need an absolute path', async (t) => {
  const values: Record<string, string> = {
    'docker-archive:/usr/x.tar': 'docker-archive:/usr/x.tar',
    'oci-archive:/usr/x.tar:q.io/a:1': 'oci-archive:/usr/x.tar:q.io/a:1',
    'oci:/usr/x:1': 'oci:/usr/x:1',
    'dir:/usr/x': 'dir:/usr/x',
    'docker-archive:/usr/${NAME}.tar': 'docker-archive:/usr/b.tar',
    'docker-archive:x.tar': 'archive',
    'oci:/run/x': 'archive',
    'dir:': 'archive',
  };
  for (const [value, expected] of Object.entries(values)) {
    const unit = `${container(value)}Pull=always\n[Service]\nEnvironment=NAME=b\n`;
    const { references } = await discovered(t, { [`${units}/a.container`]: unit });
    const [reference] = references;
    const [problem] = reference?.problems ?? [];
    assert.equal(problem?.code ?? reference?.archived?.text, expected, value);
    assert.equal(reference?.image, undefined);
    if (problem === undefined) assert.equal(reference?.pull.policy, 'missing', value);
  }
});

test('the archive of an image unit is that of its containers, unless ImageTag= names the image', async (t) => {
  const image = '[Image]\nImage=docker-archive:/usr/x.tar\nPolicy=missing\n';
  const found = await discovered(t, {
    [`${units}/a.container`]: container('x.image'),
    [`${units}/b.container`]: container('y.image'),
    [`${units}/x.image`]: image,
    [`${units}/y.image`]: `${image}ImageTag=q.io/y:1\n`,
  });
  const texts = found.references.map(
    ({ unit, image, archived }) => `${unit} ${image ?? archived?.text}`,
  );
  assert.deepEqual(texts, [
    'a.service docker-archive:/usr/x.tar',
    'b.service q.io/y:1',
    'x-image.service docker-archive:/usr/x.tar',
    'y-image.service docker-archive:/usr/x.tar',
  ]);
});

test("specifiers come from the root's own os-release, variables from the unit", async (t) => {
  const found = await discovered(t, {
    '/etc/os-release': '-> ../usr/lib/os-release',
    '/usr/lib/os-release': 'ID=acme\nIMAGE_VERSION=42\n',
    '/etc/app.env': 'REPO=web\n',
    [`${units}/a.container`]: `${container('q.io/${REPO}-%a:%A')}[Service]\nEnvironmentFile=/etc/app.env\n`,
    [`${units}/b.container`]: `${container('$IMAGE')}[Service]\nEnvironment=IMAGE=q.io/b:%A\n`,
    [`${units}/c.container`]: `${container('$IMAGE')}[Service]\nEnvironment=IMAGE=\n`,
    [`${units}/d.volume`]: '[Volume]\nDriver=image\nImage=$IMAGE\n[Service]\nEnvironment=IMAGE=x\n',
  });
  assert.deepEqual(images(found), [
    'a.service q.io/web-x86-64:42',
    'b.service q.io/b:42',
    'c.service -',
    'd-volume.service -',
  ]);
  assert.equal(found.references[2]?.problems[0]?.code, 'variable');
  assert.equal(found.references[3]?.problems[0]?.code, 'image-name');
});

test('in a tree that was never booted, /etc is read from /usr/etc', async (t) => {
  const found = await discovered(t, {
    '/usr/etc/os-release': '-> ../usr/lib/os-release',
    '/usr/lib/os-release': 'IMAGE_VERSION=9\n',
    '/usr/etc/app.env': 'REPO=web\n',
    [`${units}/a.container`]: `${container('q.io/${REPO}:%A')}[Service]\nEnvironmentFile=/etc/app.env\n`,
    [`${units}/b.image`]: '[Image]\nImage=q.io/b\nPolicy=missing\nAuthFile=/etc/auth.json\n',
  });
  assert.deepEqual(images(found), ['a.service q.io/web:9', 'b-image.service q.io/b:latest']);
  assert.equal(found.references[1]?.pull.authFile, '/usr/etc/auth.json');
});

test('Bind= is read, and mistakes in [X-Berth] are reported', async (t) => {
  const found = await discovered(t, {
    [`${units}/a.container`]: `${container('q.io/a')}[X-Berth]\nBind=yes\n`,
    [`${units}/b.container`]: `${container('q.io/a')}[X-Berth]\nBind=NO\n`,
    [`${units}/c.container`]: `${container('q.io/a')}[X-Berth]\nBind=perhaps\nBnid=yes\n`,
  });
  assert.deepEqual(
    found.references.map(({ bind }) => bind),
    [true, false, undefined],
  );
  assert.deepEqual(problems(found), [
    `bind-setting ${units}/c.container:4`,
    `bind-setting ${units}/c.container:5`,
  ]);
});

test('a problem has the Bind= setting of its unit', async (t) => {
  const found = await discovered(t, {
    [`${units}/a.container`]: '[Container]\nImage=q.io/a\nFoo=1\n[X-Berth]\nBind=yes\n',
  });
  assert.deepEqual(found.problems[0]?.subject, {
    unitPath: `${units}/a.container`,
    unit: 'a.service',
    bind: true,
  });
});
