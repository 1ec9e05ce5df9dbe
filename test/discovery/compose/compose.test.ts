import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { composeImages } from '../../../src/discovery/compose/compose.ts';
import type { Found } from '../../../src/discovery/source.ts';
import { limitCpu } from '../../support/limit-cpu.ts';
import { holds } from '../../support/property.ts';
import { rootOf, type Tree } from '../../support/tree.ts';
import { contextOf } from '../source.ts';

function read(t: TestContext, tree: Tree, places = ['/c']): Promise<Found> {
  const root = rootOf(t, tree);
  return composeImages(contextOf(root), places);
}

/** `service.key image@file:line` of each reference, then `!code file:line` of each problem. */
function said({ references, problems }: Found): string[] {
  const place = (path: string) => path.replace(/^\/c\//, '');
  return [
    ...references.map(
      ({ key, image, raw, path, line }) =>
        `${key.replace('services.', '')} ${image?.replace('docker.io/library/', '') ?? `?${raw}`} ${place(path)}:${line}`,
    ),
    ...[...references.flatMap((reference) => reference.problems), ...problems].map(
      ({ code, path, line }) => `!${code} ${place(path)}:${line ?? '-'}`,
    ),
  ];
}

const main = 'compose.yaml';
const services = (text: string) => `services:\n${text}`;

const cases: readonly [string, Tree, readonly string[]][] = [
  [
    'images',
    { [main]: services('  a:\n    image: x:1\n  b: {image: "q.io/y"}\n') },
    ['a.image x:1 compose.yaml:3', 'b.image q.io/y:latest compose.yaml:4'],
  ],
  [
    'interpolation',
    {
      [main]: services('  a:\n    image: "${R:-q.io}/$N:${T-1}${E+-e}"\n'),
      '.env': '# c\nexport N="n" # x\nT=2\n',
    },
    ['a.image q.io/n:2 compose.yaml:3'],
  ],
  [
    'a variable that is not set',
    { [main]: services('  a:\n    image: x:$T\n  b:\n    image: y:${T:?no}\n') },
    ['a.image ?x:$T compose.yaml:3', 'b.image ?y:${T:?no} compose.yaml:5'].concat(
      '!variable compose.yaml:3',
      '!variable compose.yaml:5',
    ),
  ],
  [
    'an env_file is for containers',
    { [main]: services('  a:\n    image: x:${T:-0}\n    env_file: e\n'), e: 'T=1\n' },
    ['a.image x:0 compose.yaml:3'],
  ],
  [
    'extends in the same file',
    { [main]: services('  a:\n    extends: b\n  b:\n    image: x:1\n') },
    ['a.image x:1 compose.yaml:5', 'b.image x:1 compose.yaml:5'],
  ],
  [
    'extends another file, and that another',
    {
      [main]: services('  a:\n    extends: {service: b, file: d/o.yaml}\n'),
      'd/o.yaml': services('  b:\n    extends: {service: c, file: p.yaml}\n    build: ctx\n'),
      'd/p.yaml': services('  c: {pull_policy: build}\n'),
      'd/ctx/Dockerfile': 'FROM x:1\n',
    },
    ['a.build x:1 d/ctx/Dockerfile:1'],
  ],
  [
    'extends in a circle',
    { [main]: services('  a: {extends: b, image: x:1}\n  b:\n    extends: a\n') },
    ['a.image x:1 compose.yaml:2', 'b.image x:1 compose.yaml:2'].concat(
      '!compose compose.yaml:2',
      '!compose compose.yaml:4',
    ),
  ],
  [
    'extends what is not there',
    { [main]: services('  a: {image: x:1, extends: {service: b, file: no.yaml}}\n') },
    ['a.image x:1 compose.yaml:2', '!compose compose.yaml:2'],
  ],
  [
    'override',
    {
      [main]: services('  a: {image: x:1, build: {context: ., args: {V: 1}}}\n'),
      'compose.override.yaml': services('  a: {image: x:2, build: !reset }\n  b: {image: y:1}\n'),
    },
    ['a.image x:2 compose.override.yaml:2', 'b.image y:1 compose.override.yaml:3'],
  ],
  [
    'include',
    {
      [main]:
        'include:\n  - d/one.yaml\n  - {path: [d/two.yaml], project_directory: e, env_file: f/v}\n',
      'd/one.yaml': services('  a: {image: "x:$T"}\n'),
      'd/two.yaml': services('  b: {image: "y:$T", build: .}\n  c: {build: .}\n'),
      'd/.env': 'T=1\n',
      'f/v': 'T=2\n',
      'e/Dockerfile': 'FROM z:3\n',
    },
    [
      'a.image x:1 d/one.yaml:2',
      'b.image y:2 d/two.yaml:2',
      'b.build z:3 e/Dockerfile:1',
      'c.build z:3 e/Dockerfile:1',
    ],
  ],
  [
    'include in a circle, and what is not there',
    { [main]: 'include: [compose.yaml, no.yaml]\n' },
    ['!compose compose.yaml:1', '!compose compose.yaml:1'],
  ],
  [
    'build',
    {
      [main]: services(
        '  a:\n    build:\n      context: ctx\n      dockerfile: D\n      target: t\n      args: [V=2, W]\n',
      ),
      '.env': 'W=w\n',
      'ctx/D': 'ARG V=1\nARG W\nFROM x:$V AS t\nARG W\nCOPY --from=y:$W a b\nFROM no\n',
    },
    ['a.build x:2 ctx/D:3', 'a.build y:w ctx/D:5'],
  ],
  [
    'build in place, with an image of its own',
    {
      [main]: services(
        '  a:\n    image: own\n    build:\n      dockerfile_inline: |\n        FROM x:1\n        FROM ctx\n      additional_contexts:\n        ctx: docker-image://y:2\n',
      ),
    },
    ['a.image own:latest compose.yaml:3', 'a.build y:2 compose.yaml:5'],
  ],
  [
    'a build that never pulls the image',
    {
      [main]: services(
        '  a: {image: x:1, pull_policy: build, build: .}\n  b: {image: localhost/x, build: .}\n',
      ),
      Dockerfile: 'FROM y',
    },
    ['a.build y:latest Dockerfile:1', 'b.build y:latest Dockerfile:1'],
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
    'dependencies that the project does not have',
    {
      [main]: services(
        '  a: {image: x, depends_on: [z]}\n  b: {image: x, depends_on: {y: {condition: service_started, required: false}}}\n  c: {image: x, depends_on: {d: {condition: service_started}}}\n  d: {image: x, profiles: [p]}\n  e: {image: x, network_mode: "service:no"}\n  f: {image: x, links: ["a:b"], volumes_from: ["container:k", "b:ro"]}\n',
      ),
    },
    ['a', 'b', 'c', 'd', 'e', 'f']
      .map((name, i) => `${name}.image x:latest compose.yaml:${i + 2}`)
      .concat('!compose compose.yaml:2', '!compose compose.yaml:4', '!compose compose.yaml:6'),
  ],
  [
    'a key that is given twice',
    { [main]: 'x-a: &a {image: x}\nservices:\n  a:\n    <<: *a\n    <<: *a\n' },
    ['!yaml compose.yaml:5'],
  ],
  ...(
    [
      ['an unknown key', '  a: {image: x, foo: 1}\n', 2],
      ['profiles that are no list', '  a: {image: x, profiles: p}\n', 2],
      ['a dependency without a condition', '  a: {image: x, depends_on: {a: {}}}\n', 2],
      ['an undefined network', '  a: {image: x, networks: [n]}\n', 2],
      ['an undefined secret', '  a: {image: x, secrets: [{source: n}]}\n', 2],
      ['a required variable in any key', '  a: {image: x, command: "${N:?no}"}\n', 2],
      ['a variable that does not end', '  a:\n    image: x\n    command: "${N"\n', 4],
      ['an unknown key of the file', '  a: {image: x}\nfoo: 1\n', 3],
      ['models', '  a: {image: x}\nmodels: {m: {model: ai/m}}\n', 3],
      ['a version that is a number', '  a: {image: x}\nversion: 3\n', 3],
    ] as const
  ).map(([name, text, line]): [string, Tree, readonly string[]] => [
    `refused: ${name}`,
    { [main]: services(text) },
    [
      `a.image x:latest compose.yaml:${text.includes('a:\n') ? 3 : 2}`,
      ...(name.includes('condition') ? [`!compose compose.yaml:2`] : []),
      `!${name.includes('required') ? 'variable' : 'compose'} compose.yaml:${line}`,
    ],
  ]),
  [
    'a circle of dependencies',
    { [main]: services('  a: {image: x, depends_on: [b]}\n  b: {image: y:1, links: [a]}\n') },
    ['a.image x:latest compose.yaml:2', 'b.image y:1 compose.yaml:3', '!compose compose.yaml:2'],
  ],
  [
    'names that are defined',
    {
      [main]: `${services('  a: {image: x:1, networks: {n: {}, default: {}}, secrets: [s]}\n')}networks: {n: {}}\nsecrets: {s: {file: f}}\n`,
    },
    ['a.image x:1 compose.yaml:2'],
  ],
  [
    'included services: equal, changed by an override, and in conflict',
    {
      [main]: `include: [i.yaml]\n${services('  a: {image: x:1}\n  c: {image: x:2}\n')}`,
      'compose.override.yaml': services('  b: {image: x:3}\n'),
      'i.yaml': services('  a: {image: x:1}\n  b: {image: x:1}\n  c: {image: x:1}\n'),
    },
    ['a.image x:1 compose.yaml:3', 'b.image x:3 compose.override.yaml:2'].concat(
      'c.image x:2 compose.yaml:4',
      '!compose compose.yaml:4',
    ),
  ],
  [
    'tags of whole services, and a key without a value',
    {
      [main]: services('  a: {image: x}\n  b: {image: x, profiles: [p]}\n  c: {image: x:1}\n'),
      'compose.override.yaml': services(
        '  a: !reset null\n  b: !override {image: y}\n  c: {image: }\n',
      ),
    },
    ['b.image y:latest compose.override.yaml:3', 'c.image x:1 compose.yaml:4'],
  ],
  [
    'a line of .env that Compose refuses',
    { [main]: services('  a: {image: x:1}\n'), '.env': 'A="x\ny"\n\nB C=1\n' },
    ['a.image x:1 compose.yaml:2', '!compose .env:4'],
  ],
  [
    'a quote of .env that does not end',
    { [main]: services('  a: {image: x:1}\n'), '.env': 'A=b # \'\nB="1\n' },
    ['a.image x:1 compose.yaml:2', '!compose .env:2'],
  ],
  [
    'byte order marks',
    { [main]: `\uFEFF${services('  a: {image: "x:$T"}\n')}`, '.env': '\uFEFFT=1\n' },
    ['a.image x:1 compose.yaml:2'],
  ],
  [
    'files that COMPOSE_FILE names, with a separator',
    {
      '.env': 'COMPOSE_FILE=a.yml,b.yml\nCOMPOSE_PATH_SEPARATOR=,\n',
      'a.yml': services('  a: {image: x:1}\n'),
      'b.yml': services('  b: {image: x:2}\n'),
    },
    ['a.image x:1 a.yml:2', 'b.image x:2 b.yml:2'],
  ],
  [
    'a file that COMPOSE_FILE names and that is not there',
    { [main]: services('  a: {image: x}\n'), '.env': 'COMPOSE_FILE=no.yml\n' },
    ['!compose no.yml:-'],
  ],
  [
    "podman-compose's names, all of which it merges",
    {
      'podman-compose.yaml': services('  a: {image: "x:$T"}\n'),
      'container-compose.yml': services('  a: {image: x:2}\n  b: {image: y:1}\n'),
      '.env': 'T=1\n',
    },
    ['a.image x:2 container-compose.yml:2', 'b.image y:1 container-compose.yml:3'],
  ],
  [
    'a directory without a file of a project',
    { 'app.yaml': services('  a: {image: x}\n') },
    ['!compose /c:-'],
  ],
  [
    'a build that may pull',
    {
      [main]: services('  a: {image: x:1, pull_policy: missing, build: .}\n'),
      Dockerfile: 'FROM y',
    },
    ['a.image x:1 compose.yaml:2', 'a.build y:latest Dockerfile:1'],
  ],
  [
    'builds that are not there',
    {
      [main]: services(
        '  a: {build: ../../../..}\n  b: {build: "https://x/y.git"}\n  c: {build: {}}\n',
      ),
    },
    ['!compose compose.yaml:2', '!compose compose.yaml:3', '!compose compose.yaml:4'],
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
  ['no mapping', { [main]: '- a\n' }, ['!compose compose.yaml:1']],
  ['no YAML', { [main]: 'a: b: c\n' }, ['!yaml compose.yaml:1']],
  ['nothing', { [main]: '' }, ['!compose compose.yaml:-']],
  [
    'COMPOSE_FILE',
    {
      [main]: services('  a: {image: x}\n'),
      '.env': 'COMPOSE_FILE=o.yaml\n',
      'o.yaml': services('  b: {image: y:1}\n'),
    },
    ['b.image y:1 o.yaml:2'],
  ],
];

for (const [name, tree, expected] of cases) {
  test(`Compose: ${name}`, async (t) => {
    const inside = Object.fromEntries(
      Object.entries(tree).map(([path, text]) => [`/c/${path}`, text]),
    );
    assert.deepEqual(said(await read(t, inside)), expected);
  });
}

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

test('Compose: places are globs in the root, and /etc may be /usr/etc', async (t) => {
  const tree = {
    '/usr/etc/compose/a/compose.yaml': services('  a: {image: x:1}\n'),
    '/usr/etc/compose/b/docker-compose.yml': services('  b: {image: x:2}\n'),
    '/usr/etc/compose/.c/compose.yaml': services('  c: {image: x:3}\n'),
    '/usr/etc/compose/d.txt': '',
    '/usr/etc/compose/e': '-> /etc/compose/a',
  };
  const paths = async (...places: string[]) =>
    (await read(t, tree, places)).references.map(
      ({ image, path }) => `${image?.slice(-3)} ${path}`,
    );
  assert.deepEqual(
    await paths('/etc/compose/*/compose.yaml'),
    ['x:1 /usr/etc/compose/a/compose.yaml', 'x:1 /usr/etc/compose/e/compose.yaml'].slice(0, 2),
  );
  assert.deepEqual(await paths('/etc/compose/b', '/etc/comp*/b', '/nowhere'), [
    'x:2 /usr/etc/compose/b/docker-compose.yml',
  ]);
});

test('Compose: a directory without a Compose file is a problem, if a pattern matches it as well', async (t) => {
  const tree = {
    '/c/app/app.yaml': services('  a: {image: x:1}\n'),
    '/c/web/compose.yaml': services('  a: {image: x:1}\n'),
    '/c/podman/podman-compose.yml': services('  a: {image: x:1}\n'),
  };
  assert.deepEqual(said(await read(t, tree, ['/c/*'])), [
    'a.image x:1 podman/podman-compose.yml:2',
    'a.image x:1 web/compose.yaml:2',
    '!compose app:-',
  ]);
});

test('Compose: nothing outside the root is read', async (t) => {
  const { references, problems } = await read(t, {
    '/c/compose.yaml': services(
      '  a: {extends: {service: x, file: ../../../../../../../etc/passwd}}\n  b: {build: l}\n',
    ),
    '/c/l': '-> /../../../../..',
  });
  assert.deepEqual(references, []);
  assert.ok(problems.length >= 2);
});

const piece = fc.constantFrom(
  ...'services:\n|  a:\n|  b: |    image: x\n|    build: .\n|    extends: a\n|    extends: {service: b, file: compose.yaml}\n|include: [compose.yaml]\n|&a |*a|<<: |[|]|{|}|: |- |$A|${A:-|}|"|!reset |\n|\u0000|---\n'.split(
    '|',
  ),
);

test('Compose: any text is read without an exception', async (t) => {
  limitCpu(t, 120);
  await holds(
    80,
    fc.asyncProperty(fc.array(piece, { maxLength: 40 }), async (pieces) => {
      await read(t, {
        '/c/compose.yaml': pieces.join(''),
        '/c/.env': pieces.toReversed().join('='),
        '/c/Dockerfile': 'FROM x',
      });
    }),
  );
});

const range = (length: number, line: (i: number) => string) =>
  Array.from({ length }, (_, i) => line(i)).join('\n');

for (const [name, text] of Object.entries({
  lines: `services:\n${range(33_000, (i) => `  a${i}:\n    image: x\n`)}`,
  brackets: `a: ${'['.repeat(500_000)}`,
  'a bomb': `a0: &a0 {image: x}\n${range(1000, (i) => `a${i + 1}: &a${i + 1} {p: *a${i}, q: *a${i}}`)}\nservices: *a1000`,
  'merges of merges': `a0: &a0 {k0: x}\n${range(9000, (i) => `a${i + 1}: &a${i + 1} {<<: [*a${i}, *a${i}], k${i + 1}: x}`)}\nservices: *a9000`,
  'a map in itself': 'services: &s\n  <<: *s\n  a: *s\n  b: {extends: b}\n',
  'a long chain': `services:\n${range(20_000, (i) => `  a${i}: {extends: a${i + 1}}`)}`,
  'itself twice': `include: [compose.yaml, compose.yaml]\nservices: {a: {image: x}}\n`,
})) {
  test(`Compose: hostile ${name}`, async (t) => {
    limitCpu(t, 60);
    const found = await read(t, { '/c/compose.yaml': text });
    assert.ok(found.references.length + found.problems.length > 0);
  });
}
