import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { Secret } from '../../../src/common/secret.ts';
import type { Depot } from '../../../src/engine/depot.ts';
import { type DockerOptions, openDocker } from '../../../src/engine/docker/docker.ts';
import type { Unpacked } from '../../../src/engine/fetch-watch.ts';
import type { ResolvedImage } from '../../../src/image/resolved.ts';
import { RegistryError } from '../../../src/registry/errors.ts';
import { skipDocker, startDocker, type TestDocker } from '../../support/docker.ts';
import { buildImage } from '../../support/image-builder.ts';
import { startRegistry } from '../../support/registry.ts';
import { fromRegistry } from '../../support/source.ts';
import { requestFor } from '../contract/calls.ts';
import { ownPlatform } from '../contract/images.ts';
import { resolvedOf } from '../podman/fixture.ts';

const right = { username: 'berth', password: 'hunter-two' };

test('docker pulls with what berth gives it, and what berth lets in', {
  skip: skipDocker,
}, async (t) => {
  const docker = await startDocker(t, { suite: 'trixie' });
  const registry = await startRegistry({ auth: { basic: right } });
  t.after(() => registry.close());
  const built = buildImage({
    layers: [{ files: { 'data/file': 'of the image' } }],
    volumes: ['/data', '/data/'],
  });
  registry.push('app:1', built);
  const [image] = resolvedOf(`${registry.host}/app:1`, built, [ownPlatform]);
  assert.ok(image);
  const given = (password: string) => async () => ({
    username: right.username,
    password: new Secret(password),
  });

  await t.test(
    'without credentials, and with wrong ones, it is refused, and no word tells them',
    async () => {
      for (const credentials of [async () => undefined, given('wrong-word')]) {
        const error = await failureOf(t, docker, image, { credentials });
        assert.ok(error instanceof RegistryError);
        assert.equal(error.code, 'unauthorized');
        assert.ok(!`${error.message}${error.stack}`.includes('wrong-word'));
      }
    },
  );

  await t.test('what policy.json rejects is never asked for', async () => {
    const before = registry.requests.length;
    const rejected = new RegistryError('policy-rejected', 'no', { hint: 'none' });
    const depot = { find: () => undefined, permit: () => Promise.reject(rejected) };
    const options = { credentials: given(right.password), depot: depot as unknown as Depot };
    assert.equal(await failureOf(t, docker, image, options), rejected);
    assert.equal(registry.requests.length, before);
  });

  await t.test(
    'an image that the registry lacks, and a registry that is off, are told apart',
    async () => {
      const credentials = given(right.password);
      const absent = { ...image, digest: `sha256:${'0'.repeat(64)}` };
      const codes: string[] = [];
      for (const one of [absent, { ...image, name: '127.0.0.1:1/app:1' }]) {
        const error = await failureOf(t, docker, one, { credentials });
        codes.push(error instanceof RegistryError ? error.code : String(error));
      }
      assert.deepEqual(codes, ['not-found', 'registry-unreachable']);
    },
  );

  await t.test('a pin of an image with volumes makes none', async () => {
    const engine = await open(t, docker, { credentials: given(right.password) });
    let last: Unpacked | undefined;
    await engine.fetch(image, fromRegistry(), { onUnpacked: (unpacked) => (last = unpacked) });
    assert.equal(last?.bytes, last?.total, 'all of it is unpacked');
    assert.ok((last?.total ?? 0) > 0);
    await engine.pin('root', [requestFor(engine, image)]);
    assert.equal((await engine.pins()).length, 1);
    assert.equal(await docker.docker('volume', 'ls', '--quiet'), '');
  });
});

function open(
  t: TestContext,
  { socket, pinKey }: TestDocker,
  options: Pick<DockerOptions, 'credentials' | 'depot'>,
) {
  return openDocker({ id: 'docker', socket, pinKey, ...options }).then((engine) => {
    t.after(() => engine.close());
    return engine;
  });
}

async function failureOf(
  t: TestContext,
  docker: TestDocker,
  image: ResolvedImage,
  options: Pick<DockerOptions, 'credentials' | 'depot'>,
): Promise<unknown> {
  const engine = await open(t, docker, options);
  return engine.fetch(image, fromRegistry()).then(
    () => assert.fail('it was fetched'),
    (error: unknown) => error,
  );
}
