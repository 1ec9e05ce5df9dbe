import assert from 'node:assert/strict';
import test from 'node:test';
import { startMachine } from '../../support/berth.ts';
import { skipContainerd, startContainerd } from '../../support/containerd.ts';
import { skipDocker, startDocker } from '../../support/docker.ts';
import { buildImage } from '../../support/image-builder.ts';

test('docker and containerd take from berth what a rate limits', {
  skip: skipDocker || skipContainerd,
}, async (t) => {
  const machine = await startMachine(t);
  const docker = await startDocker(t, { suite: 'trixie', store: 'overlay2' });
  const containerd = await startContainerd(t, 'trixie');
  machine.environment['DOCKER_HOST'] = docker.environment['DOCKER_HOST'];
  machine.environment['CONTAINERD_ADDRESS'] = containerd.socket;
  const { registry } = machine;
  registry.push('app:1', buildImage({ layers: [{ bytes: 5000, seed: 1 }] }));
  const asked = async (engine: string, name: string) => {
    registry.requests.length = 0;
    const words = ['--engine', engine, '--limit-rate', '100M', `${registry.host}/${name}`];
    const { code, stderr } = await machine.berth('pull', ...words);
    assert.equal(code, 0, stderr);
    const blobs = registry.requests.filter(({ path }) => path.includes('/blobs/'));
    return { agents: [...new Set(blobs.map(({ agent }) => agent))], stderr };
  };
  for (const engine of ['docker', 'containerd:default']) {
    const { agents, stderr } = await asked(engine, 'app:1');
    assert.deepEqual(agents, ['berth'], engine);
    assert.doesNotMatch(stderr, /warning/);
  }
  // docker's own store knows an image by its digest only if docker has pulled it.
  const { digest: other } = registry.push(
    'other:1',
    buildImage({ layers: [{ bytes: 700, seed: 2 }] }),
  );
  const { stderr } = await asked('docker', `other@${other}`);
  assert.match(stderr, /docker pulls .*other@sha256:[0-9a-f]+ by itself, so no limit holds for it/);
});
