import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { BerthError } from '../../../../src/common/errors.ts';
import { Secret } from '../../../../src/common/secret.ts';
import { EngineError } from '../../../../src/engine/errors.ts';
import type { Access } from '../../../../src/registry/access.ts';
import { RegistryError } from '../../../../src/registry/errors.ts';
import { missingOf } from '../../../support/missing.ts';
import { skipPodman } from '../../../support/podman.ts';
import { testCertificate } from '../../../support/registry-certificate.ts';
import { fromRegistry } from '../../../support/source.ts';
import { openHarbour } from '../fixture.ts';

const skip = skipPodman;

test('an image is known by the digest of its index afterwards, and by no tag', {
  skip,
}, async (t) => {
  const { registry, podman, engine, push } = await openHarbour(t);
  const [image] = push('app:1', 1, ['linux/amd64', 'linux/arm64']);
  assert.ok(image !== undefined && image.digest !== image.manifest);
  assert.deepEqual(await missingOf(engine, image), image.blobs);
  const bytes: number[] = [];
  const id = await engine.fetch(image, fromRegistry(), { onBytes: (count) => bytes.push(count) });
  assert.equal(id, engine.idOf(image));
  const total = image.blobs.reduce((sum, { size }) => sum + size, 0);
  assert.equal(bytes.at(-1), total);
  assert.deepEqual(
    bytes,
    bytes.toSorted((a, b) => a - b),
  );
  // Under another name no layer would be downloaded again.
  assert.deepEqual(await missingOf(engine, image), image.blobs.slice(0, 1));
  const name = `${registry.host}/app@${image.digest}`;
  await podman.podman('image', 'exists', name);
  await podman.podman('create', '--pull=never', name);
  const [present] = await engine.images();
  assert.deepEqual(present?.names, []);
  assert.ok(present?.digests.includes(name));
});

test('blobs that are present are not requested again', { skip }, async (t) => {
  const { registry, engine, push } = await openHarbour(t);
  const [image] = push('app:1', 1);
  assert.ok(image !== undefined);
  await engine.fetch(image, fromRegistry());
  const before = registry.requests.length;
  let bytes = 0;
  await engine.fetch(image, fromRegistry(), { onBytes: (count) => (bytes = count) });
  assert.equal(registry.requests.length, before);
  assert.equal(
    bytes,
    image.blobs.reduce((sum, { size }) => sum + size, 0),
  );
});

test('the same image from another repository is known by that name too', { skip }, async (t) => {
  const { registry, engine, push } = await openHarbour(t);
  const [one] = push('one:1', 1);
  const [two] = push('two:1', 1);
  assert.ok(one !== undefined && two !== undefined && one.config === two.config);
  await engine.fetch(one, fromRegistry());
  assert.deepEqual(await missingOf(engine, two), two.blobs.slice(0, 1));
  await engine.fetch(two, fromRegistry());
  const digests = (await engine.images())[0]?.digests ?? [];
  for (const name of ['one', 'two']) {
    assert.ok(digests.includes(`${registry.host}/${name}@${one.digest}`), name);
  }
});

test('another image than the one that was planned is an error', { skip }, async (t) => {
  const { engine, push } = await openHarbour(t);
  const [image] = push('app:1', 1);
  assert.ok(image !== undefined);
  const config = `sha256:${'1'.repeat(64)}`;
  await assert.rejects(
    engine.fetch({ ...image, config }, fromRegistry()),
    (error) =>
      error instanceof EngineError &&
      error.code === 'engine-failed' &&
      error.message.includes(config),
  );
});

test('a pull that fails says why, in podman’s words, and what to do', { skip }, async (t) => {
  const { registry, engine, push } = await openHarbour(t);
  const [image] = push('app:1', 1);
  assert.ok(image !== undefined);
  for (const [status, code] of [
    [401, 'unauthorized'],
    [403, 'forbidden'],
    [404, 'not-found'],
    [429, 'rate-limited'],
    [503, 'registry-failed'],
  ] as const) {
    registry.fault = ({ path }) => (path.includes('/blobs/') ? { status } : undefined);
    await assert.rejects(engine.fetch(image, fromRegistry()), (error) => {
      assert.ok(error instanceof RegistryError);
      assert.equal(error.code, code, error.message);
      assert.ok(error.message.startsWith(`podman did not pull ${image.digest}: `), error.message);
      return true;
    });
  }
  assert.deepEqual(await engine.images(), []);
  registry.fault = undefined;
  await engine.fetch(image, fromRegistry());
});

test('a registry that is away is worth another try', { skip }, async (t) => {
  const { registry, engine, push } = await openHarbour(t);
  const [image] = push('app:1', 1);
  assert.ok(image !== undefined);
  await registry.close();
  await assert.rejects(
    engine.fetch(image, fromRegistry()),
    (error) => error instanceof RegistryError && error.kind === 'unreachable',
  );
});

test('a rejection by podman’s policy and an unknown certificate have different codes', {
  skip,
}, async (t) => {
  const { registry, podman, engine, push } = await openHarbour(t, {
    registry: { tls: testCertificate },
  });
  const [image] = push('app:1', 1);
  assert.ok(image !== undefined);
  const failsAs = (code: string) =>
    assert.rejects(engine.fetch(image, fromRegistry()), (error) => {
      assert.ok(error instanceof RegistryError, String(error));
      assert.equal(error.code, code, error.message);
      return true;
    });
  const policy = join(podman.directory, 'home/.config/containers/policy.json');
  writeFileSync(policy, '{"default":[{"type":"reject"}]}');
  await failsAs('policy-rejected');
  const conf = `[[registry]]\nlocation = "${registry.host}"\n`;
  writeFileSync(join(podman.directory, 'registries.conf'), conf);
  await podman.restart();
  await failsAs('registry-unreachable');
});

test('a fetch ends when it is told to, and podman with it', { skip }, async (t) => {
  const { registry, engine, push } = await openHarbour(t);
  const [image] = push('app:1', 1);
  assert.ok(image !== undefined);
  const abort = new AbortController();
  const left = Promise.withResolvers<void>();
  registry.fault = ({ path }) => {
    if (!path.includes('/blobs/')) return undefined;
    abort.abort(new Error('enough'));
    return { kind: 'stall', after: 100, onLeft: left.resolve };
  };
  await assert.rejects(engine.fetch(image, fromRegistry(), { signal: abort.signal }), /enough/);
  await left.promise;
});

const good = { username: 'good', password: 'se:cret+/ü' };
const hostFile = (host: string, { username, password } = good) =>
  JSON.stringify({
    auths: { [host]: { auth: Buffer.from(`${username}:${password}`).toString('base64') } },
  });

for (const kind of ['basic', 'bearer'] as const) {
  test(`credentials by ${kind}: the unit’s own and no others, else the host’s`, {
    skip,
  }, async (t) => {
    const { registry, podman, engine, push } = await openHarbour(t, {
      registry: { auth: { [kind]: good } },
    });
    const [image] = push('app:1', 1);
    assert.ok(image !== undefined);
    const sent = () => {
      const texts = registry.requests.splice(0).map(({ authorization = '' }) => authorization);
      return texts
        .filter((text) => text.startsWith('Basic '))
        .map((text) => Buffer.from(text.slice(6), 'base64').toString());
    };
    const fails = async (access: Access) => {
      await assert.rejects(engine.fetch(image, fromRegistry(access)), (error: Error) => {
        assert.ok(!JSON.stringify(error).includes('se:cret') && !error.message.includes('se:cret'));
        return error instanceof BerthError;
      });
      return sent();
    };
    const basic = (username: string, password: string) =>
      ({ credentials: { kind: 'basic', username, password: new Secret(password) } }) as const;
    const authFile = (text: string) =>
      ({ credentials: { kind: 'auth-file', content: new Secret(text) } }) as const;

    const config = join(podman.directory, 'home/.docker/config.json');
    mkdirSync(dirname(config));
    writeFileSync(config, hostFile(registry.host));
    const secret = `${good.username}:${good.password}`;
    for (const access of [
      { tlsVerify: false },
      authFile('{"auths":{}}'),
      { ...authFile(hostFile('other.example')), tlsVerify: false },
      basic('bad', 'wrong'),
      basic('', ''),
      basic('', good.password),
    ]) {
      assert.ok(!(await fails(access)).includes(secret), 'the host’s credentials stay at home');
    }
    const remove = async () => assert.ok(await engine.remove(image.config));
    for (const access of [
      {},
      basic(good.username, good.password),
      { ...basic(good.username, good.password), tlsVerify: false },
      authFile(hostFile(registry.host)),
    ]) {
      await engine.fetch(image, fromRegistry(access));
      assert.ok(sent().includes(secret));
      await remove();
    }
  });
}

test('without credentials a token is asked for as anybody', { skip }, async (t) => {
  const { registry, engine, push } = await openHarbour(t, { registry: { auth: { bearer: {} } } });
  const [image] = push('app:1', 1);
  assert.ok(image !== undefined);
  await engine.fetch(image, fromRegistry({ tlsVerify: false }));
  const token = registry.requests.filter(({ path }) => path.startsWith('/token'));
  assert.deepEqual(
    token.map(({ authorization }) => authorization),
    [undefined],
  );
});

test('podman shows credentials of an AuthFile= to nobody without TLS, whatever the unit says', {
  skip,
}, async (t) => {
  const basic = { username: 'root', password: 's3cret' };
  const options = { registry: { auth: { basic } } };
  const encoded = Buffer.from('root:s3cret').toString('base64');
  const accessTo = (host: string) => ({
    tlsVerify: false,
    credentials: {
      kind: 'auth-file' as const,
      content: new Secret(JSON.stringify({ auths: { [host]: { auth: encoded } } })),
    },
  });
  const secure = await openHarbour(t, { ...options, podman: { insecure: [] } });
  const [refused] = secure.push('app:1', 1);
  assert.ok(refused !== undefined);
  await assert.rejects(
    secure.engine.fetch(refused, fromRegistry(accessTo(secure.registry.host))),
    BerthError,
  );
  for (const { authorization } of secure.registry.requests) assert.equal(authorization, undefined);
  // The control: the host calls the registry insecure.
  const insecure = await openHarbour(t, options);
  const [image] = insecure.push('app:1', 1);
  assert.ok(image !== undefined);
  await insecure.engine.fetch(image, fromRegistry(accessTo(insecure.registry.host)));
  assert.ok(insecure.registry.requests.some(({ authorization }) => authorization !== undefined));
});
