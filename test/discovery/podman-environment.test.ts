import assert from 'node:assert/strict';
import { test } from 'node:test';
import { survey } from '../../src/binding/survey.ts';
import { rootOf, type Tree } from '../support/tree.ts';

const quadlets = '/usr/share/containers/systemd';
const service = (line: string): Tree => ({
  '/etc/systemd/system/a.service': `[Service]\n${line}\n`,
});
const aliases: Tree = {
  '/etc/containers/registries.conf': 'unqualified-search-registries = ["quay.io"]\n',
  '/etc/containers/registries.conf.d/a.conf': '[aliases]\n"nginx" = "r.example/mirror/nginx"\n',
};

/** `image authFile`, or `-` and the codes of the problems. */
async function found(tree: Parameters<typeof rootOf>[1], t: Parameters<typeof rootOf>[0]) {
  const { references, problems } = await survey(rootOf(t, tree), { bind: 'all', compose: [] });
  return [
    ...references.map(({ image = '-', pull }) => [image, pull.authFile ?? ''].join(' ').trim()),
    ...problems.map(({ code, path, line }) => `${code} ${path}:${line}`),
  ];
}

const dockerConfig = '{"auths":{}}';

const credentials: readonly (readonly [string, readonly string[], string, string])[] = [
  // The variables, the files, the command, the file that counts.
  ['DOCKER_CONFIG=/srv/d', ['/srv/d/config.json'], 'docker', '/srv/d/config.json'],
  ['HOME=/srv', ['/srv/.docker/config.json'], 'docker', '/srv/.docker/config.json'],
  ['HOME=/srv', ['/srv/.docker/config.json'], 'nerdctl', '/srv/.docker/config.json'],
  ['DOCKER_CONFIG=/srv/d', [], 'docker', ''],
  ['HOME=/srv', ['/srv/.docker/config.json'], 'podman', '/srv/.docker/config.json'],
  [
    'HOME=/srv',
    ['/srv/.docker/config.json', '/srv/.config/containers/auth.json'],
    'podman',
    '/srv/.config/containers/auth.json',
  ],
  [
    'HOME=/srv DOCKER_CONFIG=/srv/d',
    ['/srv/d/config.json', '/srv/.config/containers/auth.json'],
    'podman',
    '/srv/d/config.json',
  ],
  [
    'HOME=/srv XDG_CONFIG_HOME=/srv/c',
    ['/srv/c/containers/auth.json', '/srv/.config/containers/auth.json'],
    'podman',
    '/srv/c/containers/auth.json',
  ],
  [
    'REGISTRY_AUTH_FILE=/srv/a DOCKER_CONFIG=/srv/d',
    ['/srv/a', '/srv/d/config.json'],
    'podman',
    '/srv/a',
  ],
];

for (const [variables, files, program, expected] of credentials) {
  test(`${program} with ${variables} and ${files.join(', ')}`, async (t) => {
    const tree = {
      ...Object.fromEntries(files.map((path) => [path, dockerConfig])),
      ...service(`Environment=${variables}\nExecStart=${program} run q.io/a:1`),
    };
    assert.deepEqual(await found(tree, t), [`q.io/a:1 ${expected}`.trim()]);
  });
}

const named: readonly (readonly [name: string, tree: Tree, found: readonly string[]])[] = [
  [
    'docker means Docker Hub',
    { ...aliases, ...service('ExecStart=/usr/bin/docker run nginx:1') },
    ['docker.io/library/nginx:1'],
  ],
  [
    'nerdctl means Docker Hub',
    { ...aliases, ...service('ExecStart=nerdctl run acme/app') },
    ['docker.io/acme/app:latest'],
  ],
  [
    'podman means what registries.conf says',
    { ...aliases, ...service('ExecStart=podman run nginx:1') },
    ['r.example/mirror/nginx:1'],
  ],
  [
    "podman's script called docker means the same as podman",
    {
      ...aliases,
      ...service('ExecStart=docker run redis:1'),
      '/usr/bin/docker': '#!/bin/sh\nexec /usr/bin/podman "$@"\n',
    },
    ['quay.io/redis:1'],
  ],
  [
    'ctr knows no short names',
    { ...aliases, ...service('ExecStart=-ctr images pull nginx:1') },
    ['-', 'short-name /etc/systemd/system/a.service:2'],
  ],
  [
    'another registries.conf for a Quadlet unit',
    {
      ...aliases,
      '/etc/acme.conf': 'unqualified-search-registries = ["r.acme.example"]\n',
      [`${quadlets}/a.container`]: '[Container]\nImage=redis:1\n',
      '/etc/systemd/system/a.service.d/names.conf':
        '[Service]\nEnvironment=CONTAINERS_REGISTRIES_CONF=/etc/acme.conf\n',
    },
    ['r.acme.example/redis:1'],
  ],
  [
    'another registries.conf that is not there',
    {
      ...aliases,
      ...service('Environment=CONTAINERS_REGISTRIES_CONF=/etc/no\nExecStart=podman run redis:1'),
    },
    ['quay.io/redis:1', 'short-name /etc/systemd/system/a.service:3'],
  ],
  [
    'credentials of a Quadlet unit',
    {
      '/etc/auth.json': '{"auths":{}}',
      [`${quadlets}/a.container`]:
        '[Container]\nImage=q.io/a:1\n[Service]\nEnvironment=REGISTRY_AUTH_FILE=/etc/auth.json\n',
    },
    ['q.io/a:1 /etc/auth.json'],
  ],
  [
    'credentials that the manager gives to all services',
    {
      '/etc/auth.json': '{"auths":{}}',
      '/etc/systemd/system.conf.d/auth.conf':
        '[Manager]\nDefaultEnvironment=REGISTRY_AUTH_FILE=/etc/auth.json\n',
      [`${quadlets}/b.container`]: '[Container]\nImage=q.io/b:1\n',
      ...service('ExecStart=podman run q.io/a:1'),
    },
    ['q.io/a:1 /etc/auth.json', 'q.io/b:1 /etc/auth.json'],
  ],
  [
    'an option for credentials goes before the variable',
    {
      '/etc/auth.json': '{"auths":{}}',
      ...service(
        'Environment=REGISTRY_AUTH_FILE=/etc/no.json\nExecStart=podman run --authfile /etc/auth.json q.io/a:1',
      ),
    },
    ['q.io/a:1 /etc/auth.json'],
  ],
  [
    'another storage, set in a file',
    {
      '/etc/default/a': 'CONTAINERS_STORAGE_CONF=/etc/storage.conf\n',
      ...service('EnvironmentFile=/etc/default/a\nExecStart=podman run q.io/a:1'),
    },
    ['q.io/a:1', 'storage-differs /etc/systemd/system/a.service:3'],
  ],
  [
    'aliases that root remembers are not those of other users',
    {
      '/etc/passwd': 'eve:x:1000:1000::/home/eve:/bin/sh\n',
      '/etc/containers/registries.conf': 'unqualified-search-registries = ["quay.io"]\n',
      '/var/cache/containers/short-name-aliases.conf': '[aliases]\nredis = "r.example/redis"\n',
      [`${quadlets}/r.container`]: '[Container]\nImage=redis:1\n',
      [`${quadlets}/b.container`]: '[Container]\nImage=redis:1\n[Service]\nUser=eve\n',
      [`${quadlets}/c.container`]: '[Container]\nImage=redis:1\n',
      '/etc/systemd/system/c.service.d/user.conf': '[Service]\nUser=eve\n',
      [`${quadlets}/d.image`]: '[Image]\nImage=redis:1\n[Service]\nUser=1000\n',
      ...service('User=eve\nExecStart=podman run redis:1'),
    },
    [
      'quay.io/redis:1',
      'quay.io/redis:1',
      'quay.io/redis:1',
      'quay.io/redis:1',
      'r.example/redis:1',
      'pull-always /usr/share/containers/systemd/d.image:2',
    ],
  ],
  [
    'another containers.conf',
    {
      '/etc/containers/containers.conf': '[engine]\npull_policy = "always"\n',
      '/etc/acme.conf': '[engine]\ninfra_image = "q.io/pause:1"\n',
      [`${quadlets}/p.pod`]: '[Pod]\n[Service]\nEnvironment=CONTAINERS_CONF=/etc/acme.conf\n',
      ...service('Environment=CONTAINERS_CONF=/etc/acme.conf\nExecStart=podman run q.io/a:1'),
    },
    ['q.io/a:1', 'q.io/pause:1'],
  ],
  [
    'a containers.conf over the others',
    {
      '/etc/containers/containers.conf': '[engine]\ninfra_image = "q.io/pause:1"\n',
      '/etc/acme.conf': '[engine]\ninfra_image = "q.io/over:1"\n',
      [`${quadlets}/p.pod`]: '[Pod]\n',
      ...service(
        'Environment=CONTAINERS_CONF_OVERRIDE=/etc/acme.conf\nExecStart=podman pod create x',
      ),
    },
    ['q.io/over:1', 'q.io/pause:1'],
  ],
  [
    'a containers.conf that is not in the root',
    service('Environment=CONTAINERS_CONF=/run/acme.conf\nExecStart=podman run q.io/a:1'),
    ['q.io/a:1', 'storage-differs /etc/systemd/system/a.service:3'],
  ],
  [
    'a containers.conf that asks another podman',
    {
      '/etc/acme.conf': '[engine]\nremote = true\n',
      ...service(
        'Environment=CONTAINERS_CONF_OVERRIDE=/etc/acme.conf\nExecStart=podman run q.io/a:1',
      ),
    },
    ['q.io/a:1', 'storage-differs /etc/systemd/system/a.service:3'],
  ],
  [
    'a containers.conf with variables for another storage',
    {
      '/etc/acme.conf': '[engine]\nenv = ["CONTAINER_HOST=tcp://r.example"]\n',
      ...service('Environment=CONTAINERS_CONF=/etc/acme.conf\nExecStart=podman run q.io/a:1'),
    },
    ['q.io/a:1', 'storage-differs /etc/systemd/system/a.service:3'],
  ],
  [
    'a containers.conf that podman refuses',
    {
      '/etc/acme.conf': '[engine]\npull_policy = "sometimes"\n',
      ...service('Environment=CONTAINERS_CONF=/etc/acme.conf\nExecStart=podman run q.io/a:1'),
    },
    ['q.io/a:1', 'storage-conf /etc/systemd/system/a.service:3'],
  ],
  [
    'the programs of podman compose in another containers.conf',
    {
      '/etc/acme.conf': '[engine]\ncompose_providers = ["/usr/bin/podman-compose"]\n',
      '/etc/containers/registries.conf': 'unqualified-search-registries = ["quay.io"]\n',
      '/usr/bin/podman-compose': '',
      '/usr/bin/docker-compose': '',
      '/srv/compose.yaml': 'services: {a: {image: "redis:1"}}\n',
      ...service(
        'Environment=CONTAINERS_CONF=/etc/acme.conf\nWorkingDirectory=/srv\nExecStart=podman compose up',
      ),
    },
    ['quay.io/redis:1'],
  ],
];

for (const [name, tree, expected] of named) {
  test(`a command in its environment: ${name}`, async (t) => {
    assert.deepEqual(await found(tree, t), expected);
  });
}
