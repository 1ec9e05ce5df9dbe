import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { container, discovered, problems, units } from '../../support/tree.ts';

const image = (lines: string) => `[Image]\nImage=q.io/a\n${lines}`;

test('a container inherits the options of its image unit', async (t) => {
  const { references } = await discovered(t, {
    [`${units}/a.container`]: `${container('x.image')}Pull=newer\nRetryDelay=9s\n`,
    [`${units}/x.image`]: image(
      'AuthFile=etc/auth.json\nCreds=me:hunter2\nTLSVerify=false\nArch=arm64\nOS=linux\nVariant=v8\nPolicy=missing\nRetry=5\nRetryDelay=2s\n',
    ),
  });
  const options = {
    authFile: '/etc/auth.json',
    tlsVerify: false,
    arch: 'arm64',
    os: 'linux',
    variant: 'v8',
    retry: 5,
  };
  const [ofContainer, ofImage] = references.map(({ pull: { creds, ...pull } }) => ({
    creds: creds?.reveal(),
    ...pull,
  }));
  assert.deepEqual(ofImage, {
    creds: 'me:hunter2',
    policy: 'missing',
    ...options,
    retryDelay: '2s',
  });
  assert.deepEqual(ofContainer, {
    creds: 'me:hunter2',
    policy: 'newer',
    ...options,
    retryDelay: '9s',
  });
  assert.deepEqual(
    references.flatMap((reference) => reference.problems),
    [],
  );
});

test('credentials are neither printed nor in any message', async (t) => {
  const found = await discovered(t, {
    [`${units}/a.image`]: image('Policy=missing\nCreds=me:hunter2\n'),
    [`${units}/b.image`]: image('Policy=missing\nCreds=$me:hunter2\n'),
    [`${units}/c.image`]: image('Policy=missing\nCreds=me:hunter2%H\n'),
    [`${units}/d.image`]: '[Image]\nCreds=me:hunter2\n',
    [`${units}/own/e.image`]: 'Creds=me:hunter2\n',
    [`${units}/f.image`]: image('Policy=missing\nPodmanArgs=--creds=me:hunter2\n'),
  });
  assert.equal(problems(found).length, 4);
  assert.doesNotMatch(inspect(found, { depth: 9 }) + JSON.stringify(found), /hunter2/);
});

test('defaults: a container and a volume pull what is missing, an image unit always', async (t) => {
  const { references } = await discovered(t, {
    [`${units}/a.container`]: container('q.io/a'),
    [`${units}/b.image`]: image(''),
    [`${units}/c.volume`]: '[Volume]\nDriver=image\nImage=q.io/c\n',
  });
  assert.deepEqual(
    references.map(({ pull }) => pull),
    [{ policy: 'missing' }, { policy: 'always' }, { policy: 'missing' }],
  );
});

test('an image unit that does not start offline is a problem of all units that use it', async (t) => {
  const found = await discovered(t, {
    [`${units}/a.container`]: `${container('q.io/a')}Pull=always\n`,
    [`${units}/b.container`]: container('x.image'),
    [`${units}/c.container`]: container('y.image'),
    [`${units}/d.container`]: `${container('q.io/a')}Pull=newer\n`,
    [`${units}/x.image`]: image(''),
    [`${units}/y.image`]: image('Policy=always\n'),
  });
  assert.deepEqual(
    found.references.flatMap(({ unit, problems: its }) =>
      its.map(({ code, path, line }) => `${unit} ${code} ${path.slice(units.length + 1)}:${line}`),
    ),
    [
      'a.service pull-always a.container:3',
      'b.service pull-always x.image:2',
      'c.service pull-always y.image:3',
      'x-image.service pull-always x.image:2',
      'y-image.service pull-always y.image:3',
    ],
  );
});

test("options that an engine's API does not accept are problems", async (t) => {
  for (const line of ['CertDir=/etc/certs', 'DecryptionKey=/k', 'AllTags=true']) {
    const found = await discovered(t, {
      [`${units}/a.image`]: image(`Policy=missing\n${line}\n`),
      [`${units}/b.container`]: container('a.image'),
    });
    assert.deepEqual(problems(found), [
      `unsupported-option ${units}/a.image:4`,
      `unsupported-option ${units}/a.image:4`,
    ]);
  }
  const fine = await discovered(t, {
    [`${units}/a.image`]: image('Policy=missing\nCertDir=\nAllTags=no\nTLSVerify=\n'),
  });
  assert.deepEqual(problems(fine), []);
  // An empty value means no, and the generator passes it on.
  assert.equal(fine.references[0]?.pull.tlsVerify, false);
});

test('values with which podman fails are problems', async (t) => {
  for (const line of ['Policy=sometimes', 'Policy=constructor', 'Retry=many', 'Retry=-1']) {
    const lines = line.startsWith('Policy') ? line : `Policy=missing\n${line}`;
    const found = await discovered(t, { [`${units}/a.image`]: image(`${lines}\n`) });
    const codes = problems(found).map((problem) => problem.split(' ')[0]);
    assert.ok(codes.includes('invalid-option'), line);
  }
});

test('specifiers and variables are replaced in options', async (t) => {
  const { references } = await discovered(t, {
    [`${units}/a.image`]: image(
      'Policy=missing\nAuthFile=%E/auth.json\nArch=${ARCH}\nOS=%m\n[Service]\nEnvironment=ARCH=arm64\n',
    ),
  });
  assert.equal(references[0]?.pull.authFile, '/etc/auth.json');
  assert.equal(references[0]?.pull.arch, 'arm64');
  assert.equal(references[0]?.pull.os, undefined);
  assert.deepEqual(
    references[0]?.problems.map(({ code, line }) => [code, line]),
    [['specifier', 6]],
  );
});
