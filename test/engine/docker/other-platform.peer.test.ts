import assert from 'node:assert/strict';
import test from 'node:test';
import type { Suite } from '../../support/debian-root.ts';
import { type ImageStore, skipDocker } from '../../support/docker.ts';
import { buildImage } from '../../support/image-builder.ts';
import { startDockerMachine } from './staged.ts';

const dockers: readonly (readonly [Suite, ImageStore])[] = [
  ['trixie', 'overlay2'],
  ['trixie', 'containerd'],
  ['forky', 'containerd'],
];

for (const [suite, store] of dockers) {
  test(`docker of ${suite} with ${store}: the image of another platform is not the host’s`, {
    skip: skipDocker,
  }, async (t) => {
    const { machine, docker, root } = await startDockerMachine(t, store, suite);
    const { registry } = machine;
    const name = `${registry.host}/app:1`;
    const layers = [{ bytes: 5000, seed: 4 }];
    registry.push('app:1', buildImage({ layers, platforms: ['linux/amd64', 'linux/s390x'] }));
    // The index has one id in containerd's store, and one name by digest in docker's own.
    await docker.docker('pull', '--platform', 'linux/s390x', name);
    const path = root('first', name);
    const staged = await machine.berth('stage', '--bind', 'all', '--id', 'first', path);
    assert.equal(staged.code, 0, staged.stderr);
    const { code, stdout } = await machine.berth('verify', 'first');
    assert.equal(code, 0, stdout);
    registry.fault = () => ({ kind: 'reset-at-once' });
    const created = await docker.docker(
      'create',
      '--pull=never',
      '--platform=linux/amd64',
      name,
      'x',
    );
    const inspected = await docker.docker('inspect', '--format', '{{.Image}}', created);
    const architecture = ['image', 'inspect', '--format', '{{.Architecture}}', inspected];
    assert.equal(await docker.docker(...architecture), 'amd64');
  });
}
