import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { found } from './found.ts';

const app = `services:
  web: {image: "x:\${TAG:-1}", depends_on: [db]}
  db: {image: "db:1"}
  job: {image: "job:1", profiles: [p]}
  own: {image: "own:1", build: .}
`;

const files = {
  '/srv/a/compose.yaml': app,
  '/srv/a/Dockerfile': 'FROM base:1\n',
  '/srv/a/b.yml': 'services: {b: {image: "b:$TAG"}}\n',
  '/srv/a/v.env': 'TAG=v\n',
  '/srv/a/sub/x': '',
};

/** The images of a service in /srv/a, then its problems. */
async function of(t: TestContext, lines: string, tree = {}): Promise<string[]> {
  const unit = lines.includes('Exec') ? lines : `WorkingDirectory=/srv/a\nExecStart=${lines}`;
  const { references, problems } = await found(
    t,
    { 'app.service': unit },
    { tree: { ...files, ...tree } },
  );
  const name = (image = '-') => image.replace('docker.io/library/', '');
  return [
    ...references.map(({ image, problems: own }) =>
      [name(image), ...own.map(({ code, line }) => `${code}:${line}`)].join(' '),
    ),
    ...problems.map(({ code }) => `!${code}`),
  ];
}

const up = ['x:1', 'db:1', 'own:1', 'base:1'];

const cases: readonly [string, readonly string[]][] = [
  ['docker compose up -d', up],
  ['docker-compose up --detach --remove-orphans', up],
  ['docker --log-level debug compose --ansi never up -d --wait --wait-timeout 9', up],
  ['/usr/bin/env docker compose start', up],
  ['nerdctl compose up -d', up],
  ['docker compose --profile p up', ['x:1', 'db:1', 'job:1', 'own:1', 'base:1']],
  ['docker compose up web', ['x:1', 'db:1']],
  ['docker compose up --no-deps web', ['x:1']],
  ['docker compose up job', ['job:1']],
  ['docker compose run --rm -e A=b web sh -c up', ['x:1', 'db:1']],
  ['docker compose up --build own', ['base:1']],
  ['docker compose up --no-build own', ['own:1']],
  ['docker compose build', ['base:1']],
  ['docker compose pull db', ['db:1 pull-always:3']],
  ['docker compose pull --policy missing db', ['db:1']],
  ['docker compose pull web', ['x:1 pull-always:3']],
  ['docker compose pull --include-deps web', ['x:1 pull-always:3', 'db:1 pull-always:3']],
  ['-docker compose pull db', ['db:1']],
  ['docker compose up --pull always db', ['db:1 pull-always:3']],
  ['docker compose -f b.yml --env-file v.env up', ['b:v']],
  ['docker compose --file=compose.yaml -f /srv/a/b.yml up web', ['x:1', 'db:1']],
  ['env TAG=2 docker compose up web', ['x:2', 'db:1']],
  ['sh -c "TAG=3 docker compose up web"', ['x:3', 'db:1']],
  ['sh -c "export TAG=4; docker compose up web"', ['x:4', 'db:1']],
  ['sh -c "cd sub && docker compose up web"', ['x:1', 'db:1']],
  ['sh -c "cd / && docker compose up web"', ['!compose']],
  ['docker compose --project-directory /srv/a up db', ['db:1']],
  ['docker compose down', []],
  ['docker compose logs -f', []],
  ['docker compose up nobody', ['!compose']],
  ['docker compose -f no.yml up', ['!compose']],
  ['docker compose -f - up', ['!command-line']],
  ['docker compose --unheard-of up', ['!command-line']],
  ['docker compose up $NAME', ['!variable']],
  ['docker stack deploy -c compose.yaml app', ['!command-line']],
];

for (const [command, expected] of cases) {
  test(`Compose in a service: ${command}`, async (t) => {
    assert.deepEqual(await of(t, command), expected);
  });
}

test('Compose in a service: variables and directory of the unit', async (t) => {
  const unit = (...lines: string[]) => of(t, [...lines, 'ExecStart=docker compose up'].join('\n'));
  assert.deepEqual(await unit('WorkingDirectory=-/srv/a', 'Environment=TAG=5 COMPOSE_PROFILES=p'), [
    'x:5',
    'db:1',
    'job:1',
    'own:1',
    'base:1',
  ]);
  assert.deepEqual(await unit('WorkingDirectory=/srv/a', 'Environment=COMPOSE_FILE=b.yml TAG=6'), [
    'b:6',
  ]);
  assert.deepEqual(
    await unit('WorkingDirectory=/srv/a', 'Environment=COMPOSE_ENV_FILES=v.env COMPOSE_FILE=b.yml'),
    ['b:v'],
  );
  assert.deepEqual(await unit('WorkingDirectory=/srv/%p%H'), ['!specifier']);
  assert.deepEqual(await unit('WorkingDirectory=~'), ['!command-line']);
  assert.deepEqual(await unit(), ['!compose']);
});

test('Compose in a service: instances of a template have their own projects', async (t) => {
  const { references, problems } = await found(
    t,
    { 'compose@.service': 'WorkingDirectory=/etc/compose/%i\nExecStart=docker compose up' },
    {
      tree: {
        '/etc/compose/a/compose.yaml': 'services: {a: {image: q.io/a}}\n',
        '/etc/compose/b/compose.yaml': 'services: {b: {image: q.io/b}}\n',
      },
      instances: ['compose@a.service', 'compose@b.service'],
    },
  );
  assert.deepEqual(
    references.map(({ unit, image, path }) => `${unit} ${image} ${path}`),
    [
      'compose@a.service q.io/a:latest /etc/compose/a/compose.yaml',
      'compose@b.service q.io/b:latest /etc/compose/b/compose.yaml',
    ],
  );
  assert.deepEqual(problems, []);
  const alone = await found(t, {
    'compose@.service': 'WorkingDirectory=/etc/compose/%i\nExecStart=docker compose up',
  });
  assert.deepEqual(alone, { references: [], problems: [] });
});

test('Compose in a service: the engine and the fields of a reference', async (t) => {
  const engines = async (command: string, lines = '', tree = {}) => {
    const unit = `WorkingDirectory=/srv/a\n${lines}\nExecStart=${command} up db`;
    const { references } = await found(
      t,
      { 'app.service': unit },
      { tree: { ...files, '/etc/passwd': 'u:x:1000:1000::/home/u:/bin/sh\n', ...tree } },
    );
    return references.map(({ engine, kind, unit: name, path, problems }) =>
      [engine ?? problems.map(({ code }) => code).join(), kind, name, path].join(' '),
    );
  };
  const on = (engine: string) => [`${engine} compose app.service /srv/a/compose.yaml`];
  assert.deepEqual(await engines('docker compose'), on('docker'));
  assert.deepEqual(await engines('docker-compose'), on('docker'));
  assert.deepEqual(await engines('docker-compose', 'User=u'), on('docker'));
  assert.deepEqual(await engines('podman compose'), on('podman'));
  assert.deepEqual(await engines('podman-compose', 'User=u'), on('podman:u'));
  assert.deepEqual(await engines('nerdctl compose'), on('containerd:default'));
  assert.deepEqual(await engines('nerdctl -n k8s.io compose'), on('containerd'));
  assert.deepEqual(
    await engines('docker-compose', 'Environment=DOCKER_HOST=unix:///run/podman/podman.sock'),
    on('podman'),
  );
  assert.deepEqual(await engines('docker -H tcp://x:1 compose'), on('engine-unknown'));
  const emulated = { '/usr/bin/docker': '#!/bin/sh\nexec /usr/bin/podman "$@"\n' };
  assert.deepEqual(await engines('docker compose', 'User=u', emulated), on('podman:u'));
  assert.deepEqual(await engines('docker-compose', 'User=u', emulated), on('podman'));
});

test("Compose in a service: podman-compose has podman's short names, files and builds", async (t) => {
  const tree = {
    '/srv/p/podman-compose.yaml': 'services: {a: {image: short}, b: {image: q.io/b}}\n',
    '/srv/p/container-compose.yaml': 'services: {b: {image: q.io/c, build: .}}\n',
    '/srv/p/Dockerfile': 'FROM q.io/base\n',
  };
  const by = (command: string, more = {}) =>
    of(t, `WorkingDirectory=/srv/p\nExecStart=${command} up`, { ...tree, ...more });
  const podmans = await by('podman-compose');
  assert.deepEqual(podmans.slice(1), ['q.io/base:latest']);
  assert.deepEqual(await by('podman compose', { '/usr/bin/podman-compose': '' }), podmans);
  assert.deepEqual(await by('docker compose'), ['!compose']);
});

test("Compose in a service: podman-compose's podman has the variables of the service", async (t) => {
  const read = async (command: string, lines: string) => {
    const unit = `WorkingDirectory=/srv/p\n${lines}\nExecStart=${command} up`;
    const tree = { '/srv/p/compose.yaml': 'services: {a: {image: q.io/a}}\n', '/etc/p.json': '{}' };
    const { references } = await found(t, { 'app.service': unit }, { tree });
    return references.map(({ pull, problems }) =>
      [pull.authFile ?? '-', ...problems.map(({ code }) => code)].join(' '),
    );
  };
  const auth = 'Environment=REGISTRY_AUTH_FILE=/etc/p.json';
  assert.deepEqual(await read('podman-compose', auth), ['/etc/p.json']);
  assert.deepEqual(await read('env REGISTRY_AUTH_FILE=/etc/q.json podman-compose', auth), [
    '/etc/q.json',
  ]);
  assert.deepEqual(await read('docker compose', auth), ['-']);
  const storage = 'Environment=CONTAINERS_STORAGE_CONF=/etc/other.conf';
  assert.deepEqual(await read('podman-compose', storage), ['- storage-differs']);
  assert.deepEqual(await read('docker compose', storage), ['-']);
});

test('units that bring up one project again and again are read up to a bound', async (t) => {
  const unit = 'WorkingDirectory=/srv/a\nExecStart=docker compose up db';
  const units = Object.fromEntries(Array.from({ length: 10 }, (_, at) => [`u${at}.service`, unit]));
  // Each reading of the project takes its bytes, and 1024 for each of its four services.
  const spent = 64 * 1024 * 1024 - 3.5 * (4 * 1024 + app.length);
  const { references, problems } = await found(t, units, { tree: files, spent });
  assert.equal(references.length, 3);
  assert.deepEqual([...new Set(problems.map(({ code }) => code))], ['too-large']);
});
