import assert from 'node:assert/strict';
import { test } from 'node:test';
import { container, units } from '../../support/tree.ts';
import { engineTests, found } from './found.ts';
import { manifest, quadlet, service } from './trees.ts';

engineTests([
  ['Quadlet', { [`${units}/a.container`]: container('q.io/a') }, 'podman'],
  ['Quadlet, User=', quadlet('User=app'), 'podman:app'],
  ['Quadlet, User= with a UID', quadlet('User=1001'), 'podman:app'],
  ['Quadlet, User= with a UID of nobody', quadlet('User=1234'), 'podman:1234'],
  ['Quadlet, User= with a user of tomorrow', quadlet('User=later'), 'podman:later'],
  ['a user whose name is no part of an id', quadlet('User=1002'), 'podman:1002'],
  ['root by name', quadlet('User=root'), 'podman'],
  ['root by UID', quadlet('User=0'), 'podman'],
  ['root in a tree without a passwd', { ...quadlet('User=root'), '/etc/passwd': '' }, 'podman'],
  ['root by another name', quadlet('User=toor'), 'podman'],
  ['the last User= counts', quadlet('User=app\nUser=later'), 'podman:later'],
  ['an empty User= resets', quadlet('User=app\nUser='), 'podman'],
  ['User= with a specifier', quadlet('User=%p'), 'podman:a'],
  ['User=%U is the user of the manager', quadlet('User=%U'), 'podman'],
  ['User= that only the host knows', quadlet('User=%H'), '-'],
  ['User= with quotes', quadlet('User="app"'), '-'],
  ['DynamicUser=', quadlet('DynamicUser=yes'), '-'],
  ['DynamicUser= with a new name', quadlet('User=later\nDynamicUser=on'), '-'],
  ['DynamicUser= with a user of the OS', quadlet('User=app\nDynamicUser=1'), 'podman:app'],
  ['DynamicUser=no', quadlet('DynamicUser=no'), 'podman'],
  [
    'User= in a drop-in of the Quadlet file',
    {
      [`${units}/a.container`]: container('q.io/a'),
      [`${units}/a.container.d/u.conf`]: '[Service]\nUser=app\n',
    },
    'podman:app',
  ],
  [
    'User= in a drop-in of the service',
    {
      [`${units}/a.container`]: container('q.io/a'),
      '/etc/systemd/system/a.service.d/u.conf': '[Service]\nUser=app\n',
    },
    'podman:app',
  ],
  [
    'a .image of another user than the container',
    {
      [`${units}/a.container`]: `${container('x.image')}[Service]\nUser=app\n`,
      [`${units}/x.image`]: '[Image]\nImage=q.io/x:1\n[Service]\nUser=later\n',
    },
    'podman:app podman:later',
  ],
  [
    'a .volume and a .kube',
    {
      [`${units}/k.kube`]: '[Kube]\nYaml=k.yaml\n[Service]\nUser=app\n',
      [`${units}/k.yaml`]: manifest,
      [`${units}/v.volume`]: '[Volume]\nDriver=image\nImage=q.io/v:1\n[Service]\nUser=later\n',
    },
    'podman:app podman:later',
  ],
  [
    'the base images of a .build',
    {
      [`${units}/b.build`]:
        '[Build]\nImageTag=localhost/b\nSetWorkingDirectory=unit\n[Service]\nUser=app\n',
      [`${units}/Containerfile`]: 'FROM q.io/base:1\n',
    },
    'podman:app',
  ],
  [
    "bootc's links",
    {
      '/usr/lib/bootc/bound-images.d/a.container': '-> /opt/a.container',
      '/opt/a.container': container('q.io/a'),
    },
    'podman',
  ],
]);

test("a user's podman does not look into the stores of the system's storage.conf", async (t) => {
  const { references } = await found(t, {
    '/etc/containers/storage.conf': '[storage.options]\nadditionalimagestores = ["/usr/lib/s"]\n',
    '/usr/lib/s/overlay-images/images.json': '[]',
    ...quadlet('User=app'),
    [`${units}/b.container`]: container('q.io/b'),
    ...service('User=app\nExecStart=podman run q.io/a:1'),
  });
  assert.deepEqual(
    references.map(({ engine, pull }) => [engine, pull.additionalStores ?? []]),
    [
      ['podman:app', []],
      ['podman:app', []],
      ['podman', ['/usr/lib/s']],
    ],
  );
});
