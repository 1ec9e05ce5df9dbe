import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { type Machine, startMachine, writeRoot } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { testCertificate } from '../support/registry-certificate.ts';
import { secret, skip, writeShared } from './mallory.ts';

const login = { username: 'root', password: secret };
const header = `Basic ${Buffer.from(`root:${secret}`).toString('base64')}`;

/** A registry without TLS that wants to be shown the password of an `AuthFile=`. */
async function startPlain(t: TestContext): Promise<TestRegistry> {
  const registry = await startRegistry({ auth: { basic: login } });
  t.after(() => registry.close());
  registry.push('app:1', buildImage({ layers: [{ bytes: 1000, seed: 1 }] }));
  return registry;
}

function rootWith(machine: Machine, host: string, unitPath: string): string {
  const auth = Buffer.from(`root:${secret}`).toString('base64');
  return writeShared(
    join(machine.directory, 'root'),
    {
      'etc/auth.json': `{"auths":{"${host}":{"auth":"${auth}"},"other.example":{"auth":"${auth}"}}}`,
      [unitPath]: `[Image]\nImage=${host}/app:1\nAuthFile=/etc/auth.json\nTLSVerify=false\nPolicy=missing\n`,
    },
    { 'etc/auth.json': 0o600 },
  );
}

const ofSystem = 'usr/share/containers/systemd/app.image';
const ofUsers = 'etc/containers/systemd/users/app.image';

test('an AuthFile= goes to a registry without TLS only if the host calls it insecure', {
  skip,
}, async (t) => {
  const machine = await startMachine(t);
  const registry = await startPlain(t);
  const root = rootWith(machine, registry.host, ofSystem);
  const stage = ['stage', '--engine', 'store', '--bind', 'all', root];
  const refused = await machine.berth(...stage);
  assert.equal(refused.code, 1, refused.stderr);
  assert.match(refused.stderr, /expected TLS, for credentials of an AuthFile=, found plain HTTP/);
  assert.ok(registry.requests.length > 0);
  for (const { authorization } of registry.requests) assert.equal(authorization, undefined);
  writeFileSync(
    machine.environment['CONTAINERS_REGISTRIES_CONF'] ?? '',
    `[[registry]]\nlocation = "${registry.host}"\ninsecure = true\n`,
  );
  const staged = await machine.berth(...stage);
  assert.equal(staged.code, 0, staged.stderr);
  assert.ok(registry.requests.some(({ authorization }) => authorization === header));
});

test('a token server without TLS is not shown it either', { skip }, async (t) => {
  const machine = await startMachine(t);
  const registry = await startRegistry({ auth: { bearer: login } });
  t.after(() => registry.close());
  const root = rootWith(machine, registry.host, ofSystem);
  const { code } = await machine.berth('stage', '--engine', 'store', '--bind', 'all', root);
  assert.equal(code, 1);
  for (const { authorization } of registry.requests) assert.equal(authorization, undefined);
});

test('what units of users cite is read as users may read it', { skip }, async (t) => {
  const machine = await startMachine(t);
  const registry = await startPlain(t);
  const root = rootWith(machine, registry.host, ofUsers);
  const { code, stderr } = await machine.berth('plan', '--engine', 'store', '--bind', 'all', root);
  assert.equal(code, 1);
  assert.match(stderr, /problem auth-file .*\/app\.image:2: AuthFile=\/etc\/auth\.json of /);
  for (const { authorization } of registry.requests) assert.equal(authorization, undefined);
});

test('credentials that the unit does not name a registry for go nowhere', async (t) => {
  const machine = await startMachine(t);
  const registry = await startPlain(t);
  const root = writeRoot(join(machine.directory, 'root'), {
    'etc/auth.json': `{"auths":{"other.example":{"auth":"${Buffer.from(`root:${secret}`).toString('base64')}"}}}`,
    [ofSystem]: `[Image]\nImage=${registry.host}/app:1\nAuthFile=/etc/auth.json\nTLSVerify=false\n`,
  });
  const { code } = await machine.berth('plan', '--engine', 'store', '--bind', 'all', root);
  assert.equal(code, 1);
  for (const { authorization } of registry.requests) assert.equal(authorization, undefined);
});

test('a certificate that nobody verified is no TLS for an AuthFile=', { skip }, async (t) => {
  const machine = await startMachine(t);
  const registry = await startRegistry({ auth: { basic: login }, tls: testCertificate });
  t.after(() => registry.close());
  registry.push('app:1', buildImage({ layers: [{ bytes: 1000, seed: 1 }] }));
  const conf = machine.environment['CONTAINERS_REGISTRIES_CONF'] ?? '';
  writeFileSync(conf, '');
  const root = rootWith(machine, registry.host, ofSystem);
  const stage = ['stage', '--engine', 'store', '--bind', 'all', root];
  const refused = await machine.berth(...stage);
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, /certificate/);
  for (const { authorization } of registry.requests) assert.equal(authorization, undefined);
  writeFileSync(conf, `[[registry]]\nlocation = "${registry.host}"\ninsecure = true\n`);
  assert.equal((await machine.berth(...stage)).code, 0);
});
