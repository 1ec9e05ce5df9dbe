import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { type ImageStore, skipDocker } from '../../support/docker.ts';
import { buildImage } from '../../support/image-builder.ts';
import { ownPlatform } from '../contract/images.ts';
import { startDockerMachine } from './staged.ts';

for (const store of ['overlay2', 'containerd'] as const) {
  test(
    `docker with ${store}: a root is staged, ready, released and pruned`,
    {
      skip: skipDocker,
    },
    (t) => staged(t, store),
  );
  test(
    `docker with ${store}: what was downloaded is handed over without a network`,
    {
      skip: skipDocker,
    },
    (t) => handedOver(t, store),
  );
}

async function staged(t: TestContext, store: ImageStore): Promise<void> {
  const { machine, docker, root } = await startDockerMachine(t, store);
  const { registry } = machine;
  const name = `${registry.host}/app:1`;
  const { digest } = registry.push('app:1', buildImage({ layers: [{ bytes: 5000, seed: 1 }] }));
  const byDigest = `${registry.host}/app@${digest}`;
  const path = root('first', name, byDigest);
  const run = async (expected: number, ...words: string[]) => {
    const { code, stdout, stderr } = await machine.berth(...words);
    assert.equal(code, expected, `${words.join(' ')}: ${stdout}${stderr}`);
    return stdout;
  };
  await run(0, 'stage', '--bind', 'all', '--id', 'first', path);
  await run(0, 'verify', 'first');
  for (const each of [name, byDigest]) await docker.docker('image', 'inspect', each);
  const [pin = ''] = (await docker.docker('ps', '-aq')).split('\n');
  const { stderr } = await docker.tryDocker('start', pin);
  assert.match(stderr, /\.berth-pin/, 'a pin can’t be started');
  await run(0, 'verify', 'first');
  await run(0, 'release', 'first');
  assert.equal(await docker.docker('ps', '-aq'), '');
  await run(0, 'prune', '--force');
  assert.equal(await docker.docker('images', '-aq'), '');
}

async function handedOver(t: TestContext, store: ImageStore): Promise<void> {
  const { machine, docker, root } = await startDockerMachine(t, store);
  const { registry } = machine;
  const built = (seed: number) =>
    buildImage({ layers: [{ bytes: 5000, seed }], platforms: [ownPlatform, 'linux/s390x'] });
  registry.push('app:1', built(2));
  const { digest } = registry.push('other:1', built(3));
  const names = { tagged: `${registry.host}/app:1`, digested: `${registry.host}/other@${digest}` };
  const stage = (id: keyof typeof names, ...options: readonly string[]) =>
    machine.berth('stage', ...options, '--bind', 'all', '--id', id, root(id, names[id]));
  const tagged = await stage('tagged', '--download-only');
  assert.equal(tagged.code, 0, tagged.stderr);
  const digested = await stage('digested', '--download-only');
  // docker's own store learns the digest of an image from a registry alone.
  const waits = store === 'containerd';
  assert.equal(digested.code, waits ? 0 : 4, digested.stderr);
  if (!waits) assert.match(digested.stderr, /from a registry alone/);
  assert.equal(await docker.docker('images', '-aq'), '', 'nothing is in docker yet');
  registry.fault = () => ({ kind: 'reset-at-once' });
  for (const id of waits ? (['tagged', 'digested'] as const) : (['tagged'] as const)) {
    const { code, stderr } = await stage(id);
    assert.equal(code, 0, stderr);
    await docker.docker('image', 'inspect', names[id]);
    const verified = await machine.berth('verify', id);
    assert.equal(verified.code, 0, verified.stdout);
  }
}
