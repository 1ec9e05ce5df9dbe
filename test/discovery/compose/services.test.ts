import assert from 'node:assert/strict';
import { test } from 'node:test';
import { main, projectTests, read, services } from './projects.ts';

projectTests([
  [
    'images',
    { [main]: services('  a:\n    image: x:1\n  b: {image: "q.io/y"}\n') },
    ['a.image x:1 compose.yaml:3', 'b.image q.io/y:latest compose.yaml:4'],
  ],
  [
    'images mounted as volumes; the last mount at a target counts',
    {
      [main]: services(
        '  a:\n    image: x:1\n    volumes:\n      - {type: image, source: s:1, target: /s}\n      - {type: image, source: "s:$T", target: /t}\n      - v:/v\n',
      ),
      'compose.override.yaml': services(
        '  a: {volumes: [{type: image, source: s:3, target: /s}, {type: bind, source: /b, target: /b}]}\n',
      ),
      '.env': 'T=2\n',
    },
    [
      'a.image x:1 compose.yaml:3',
      'a.volumes s:3 compose.override.yaml:2',
      'a.volumes s:2 compose.yaml:6',
    ],
  ],
  [
    'hooks with images',
    {
      [main]: services(
        '  a:\n    image: x:1\n    pre_start:\n      - {image: h:1, command: c}\n    post_start:\n      - command: c\n',
      ),
    },
    ['a.image x:1 compose.yaml:3', 'a.pre_start h:1 compose.yaml:5'],
  ],
  [
    'anchors and merges',
    {
      [main]:
        'x-a: &a\n  image: x:1\nservices:\n  a: *a\n  b:\n    <<: [*a, {image: no}]\n  c: {<<: *a, image: y}\n',
    },
    ['a.image x:1 compose.yaml:2', 'b.image x:1 compose.yaml:2', 'c.image y:latest compose.yaml:7'],
  ],
  [
    'what is no service',
    {
      [main]: services(
        '  a: x\n  b: {}\n  c: {provider: {type: p}}\n  d: {image: [x]}\n  e: {image: 1.10}\n',
      ),
    },
    ['d.image ? compose.yaml:5', 'e.image ?1.10 compose.yaml:6'].concat(
      '!compose compose.yaml:5',
      '!compose compose.yaml:6',
      '!compose compose.yaml:5',
      '!compose compose.yaml:6',
      '!compose compose.yaml:2',
      '!compose compose.yaml:2',
      '!compose compose.yaml:3',
    ),
  ],
]);

test('Compose: the fields of a reference', async (t) => {
  const { references } = await read(t, {
    '/c/real.yaml': services('  a: {image: x:1, platform: linux/arm/v7, pull_policy: always}\n'),
    '/c/compose.yml': '-> real.yaml',
  });
  assert.equal(references.length, 1);
  const [{ problems, ...reference } = assert.fail()] = references;
  assert.deepEqual(reference, {
    raw: 'x:1',
    path: '/c/compose.yml',
    line: 2,
    key: 'services.a.image',
    kind: 'compose',
    unit: 'compose.yml',
    unitPath: '/c/compose.yml',
    unitRealPath: '/c/real.yaml',
    scope: 'system',
    engine: 'docker',
    activation: 'unknown',
    via: [],
    image: 'docker.io/library/x:1',
    pull: { policy: 'always', os: 'linux', arch: 'arm', variant: 'v7' },
  });
  assert.deepEqual(
    problems.map(({ code, subject }) => [code, subject]),
    [['pull-always', { unit: 'compose.yml', unitPath: '/c/compose.yml' }]],
  );
});

test('Compose: pull policies and platforms', async (t) => {
  const policies = 'never missing if_not_present build daily every_2h sometimes'.split(' ');
  const text = policies
    .map((policy, i) => `  a${i}: {image: x, pull_policy: ${policy}}\n`)
    .join('');
  const { references } = await read(t, {
    '/c/compose.yaml': services(`${text}  z: {image: x, platform: a/b/c/d}\n`),
  });
  assert.deepEqual(
    references.map(
      ({ pull, problems }) => `${pull.policy} ${problems.map(({ code }) => code).join()}`,
    ),
    [
      'never ',
      'missing ',
      'missing ',
      'missing ',
      'always pull-always',
      'always pull-always',
    ].concat('missing invalid-option', 'missing invalid-option'),
  );
});

test('Compose: profiles keep a service from starting', async (t) => {
  const text = services(
    '  a: {image: x, profiles: [p]}\n  b: {image: x, profiles: [q, r]}\n  c: {image: x}\n',
  );
  const activations = async (env: string) => {
    const { references } = await read(t, { '/c/compose.yaml': text, '/c/.env': env });
    return references.map(({ activation }) => activation);
  };
  assert.deepEqual(await activations(''), ['none', 'none', 'unknown']);
  assert.deepEqual(await activations('COMPOSE_PROFILES=r,s'), ['none', 'unknown', 'unknown']);
  assert.deepEqual(await activations('COMPOSE_PROFILES=*'), ['unknown', 'unknown', 'unknown']);
});
