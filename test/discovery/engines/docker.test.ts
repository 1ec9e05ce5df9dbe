import type { Tree } from '../../support/tree.ts';
import { engineTests } from './found.ts';
import { emulation, service } from './trees.ts';

engineTests([
  ['docker', service('User=app\nExecStart=/usr/bin/docker run q.io/a:1'), 'docker'],
  ['docker that the root has', docker('\x7fELF'), 'docker'],
  ['docker that mentions podman', docker('\x7fELF\nexec podman "$@"\n'), 'docker'],
  ['docker that is a script of its own', docker('#!/bin/sh\nexec dockerd "$@"\n'), 'docker'],
  ['docker as podman, of Debian', docker(emulation('exec /usr/bin/podman "$@"')), 'podman:app'],
  ['docker as podman, by hand', docker(emulation('exec podman "$@"')), 'podman:app'],
  ['docker as a link to podman', { ...docker('-> podman'), '/usr/bin/podman': '' }, 'podman:app'],
  [
    'docker as podman in a tree with a link for /bin',
    { ...docker(emulation('exec /usr/bin/podman "$@"'), '/bin/docker'), '/bin': '-> usr/bin' },
    'podman:app',
  ],
  [
    'docker, its own socket',
    service('ExecStart=docker -H unix:///var/run/docker.sock run q.io/a:1'),
    'docker',
  ],
  [
    "docker, podman's socket",
    service('ExecStart=docker --host=unix:///run/podman/podman.sock run q.io/a:1'),
    'podman',
  ],
  ['docker on another host', service('ExecStart=docker -H ssh://b run q.io/a:1'), '-'],
  ['docker in its default context', service('ExecStart=docker -c default run q.io/a:1'), 'docker'],
  ['docker in another context', service('ExecStart=docker --context b run q.io/a:1'), '-'],
  ['DOCKER_HOST', service('Environment=DOCKER_HOST=tcp://b\nExecStart=docker run q.io/a:1'), '-'],
  [
    'DOCKER_HOST that a program before the command sets',
    service(
      'Environment=DOCKER_HOST=tcp://b\nExecStart=env DOCKER_HOST=unix:///run/podman/podman.sock docker run q.io/a:1',
    ),
    'podman',
  ],
  [
    'DOCKER_HOST that such a program drops',
    service('Environment=DOCKER_HOST=tcp://b\nExecStart=env -i docker run q.io/a:1'),
    'docker',
  ],
  [
    'DOCKER_HOST that the option replaces',
    service(
      'Environment=DOCKER_HOST=tcp://b\nExecStart=docker -H unix:///run/docker.sock run q.io/a:1',
    ),
    'docker',
  ],
  ['DOCKER_CONTEXT', service('Environment=DOCKER_CONTEXT=b\nExecStart=docker run q.io/a:1'), '-'],
  [
    'DOCKER_HOST that only the host knows',
    service('Environment=DOCKER_HOST=tcp://%H\nExecStart=docker run q.io/a:1'),
    '-',
  ],
  [
    'docker beside another unknown variable',
    service('Environment=N=%H\nExecStart=docker run q.io/a:1'),
    'docker',
  ],
]);

function docker(content: string, command = 'docker'): Tree {
  return { ...service(`User=app\nExecStart=${command} run q.io/a:1`), '/usr/bin/docker': content };
}
