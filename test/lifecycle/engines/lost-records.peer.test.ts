import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { startMachine, writeRoot } from '../../support/berth.ts';
import { skipContainerd, startContainerd } from '../../support/containerd.ts';
import { skipDocker, startDocker } from '../../support/docker.ts';
import { buildImage } from '../../support/image-builder.ts';

test('records whose pins are only in docker and in namespaces of containerd come back', {
  skip: skipDocker || skipContainerd,
}, async (t) => {
  const machine = await startMachine(t);
  const docker = await startDocker(t, { suite: 'trixie' });
  const containerd = await startContainerd(t, 'trixie');
  machine.environment['DOCKER_HOST'] = docker.environment['DOCKER_HOST'];
  machine.environment['CONTAINERD_ADDRESS'] = containerd.socket;
  machine.registry.push('app:1', buildImage({ layers: [{ bytes: 1000, seed: 1 }] }));
  const berth = async (...words: string[]) => {
    const { code, stdout, stderr } = await machine.berth(...words);
    assert.equal(code, 0, stderr);
    return { stdout, stderr };
  };
  const name = `${machine.registry.host}/app:1`;
  const service = (command: string) => ({
    'usr/lib/systemd/system/app.service': `[Service]\nExecStart=/usr/bin/${command}\n`,
  });
  const roots = {
    'on-docker': service(`docker run --rm ${name}`),
    'in-default': service(`ctr run --rm ${name} app`),
    'in-kubernetes': { 'usr/lib/berth/images.d/app.list': `# engine: containerd\n${name}\n` },
  };
  for (const [id, files] of Object.entries(roots)) {
    const root = writeRoot(join(machine.directory, id), files);
    await berth('stage', '--bind', 'all', '--id', id, root);
  }
  const records = join(machine.directory, 'state/roots');
  rmSync(records, { recursive: true });
  const { stdout, stderr } = await berth('status');
  for (const id of Object.keys(roots)) {
    assert.ok(stdout.includes(id), stdout);
    assert.match(stderr, new RegExp(`the record of ${id} is lost`));
  }
  await berth('prune', '--force');
  for (const id of Object.keys(roots)) await berth('verify', id);
  // One record is lost beside those of roots on other engines.
  for (const id of Object.keys(roots)) {
    rmSync(join(records, `${id}.json`));
    await berth('prune', '--force');
    await berth('verify', id);
  }
  await docker.stop();
  rmSync(records, { recursive: true });
  const without = await machine.berth('status');
  assert.match(without.stderr, /the record of in-default is lost/);
  assert.doesNotMatch(without.stderr, /on-docker/);
});
