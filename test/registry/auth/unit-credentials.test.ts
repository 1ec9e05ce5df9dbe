import assert from 'node:assert/strict';
import test from 'node:test';
import { Secret } from '../../../src/common/secret.ts';
import type { Access } from '../../../src/registry/access.ts';
import { client, fails, serve } from '../../support/registry-client.ts';
import { amd64, anonymous, image, knows, login, unit } from './login.ts';

test('a unit’s credentials are used, and then no others', async (t) => {
  const server = await serve(t, { auth: { basic: login } });
  server.push('app:1', image);
  const registry = client(t, [server], {
    credentials: async () => assert.fail('the host’s were asked for'),
  });
  const name = `${server.host}/app:1`;
  await registry.resolve(name, amd64, unit(login.password));
  await registry.resolve(name, amd64, unit(login.password, { tlsVerify: false }));
  await fails(registry.resolve(name, amd64, unit('wrong-one')), 'unauthorized');
  const file = (content: string): Access => ({
    credentials: { kind: 'auth-file', content: new Secret(content) },
  });
  const auth = Buffer.from(`${login.username}:${login.password}`).toString('base64');
  const right = JSON.stringify({ auths: { [server.host]: { auth } } });
  await registry.resolve(name, amd64, file(right));
  await fails(registry.resolve(name, amd64, file('{"auths":{}}')), 'unauthorized');
  const helper = JSON.stringify({ credHelpers: { [server.host]: 'no-such-helper' } });
  await fails(registry.resolve(name, amd64, file(helper)), 'unauthorized');
  await fails(registry.resolve(name, amd64, file('no auth.json')), 'registry-config');
});

test('the access of one unit does not serve another', async (t) => {
  const server = await serve(t, { auth: { bearer: login } });
  server.push('app:1', image);
  const registry = client(t, [server]);
  await registry.resolve(`${server.host}/app:1`, amd64, unit(login.password));
  await fails(
    registry.resolve(`${server.host}/app:1`, amd64, { tlsVerify: false }),
    'unauthorized',
  );
});

test('TLSVerify=false keeps the host’s credentials at home', async (t) => {
  for (const auth of [{ basic: login }, { bearer: login }]) {
    const server = await serve(t, { auth });
    server.push('app:1', image);
    const registry = client(t, [server], { credentials: knows });
    const resolve = registry.resolve(`${server.host}/app:1`, amd64, { tlsVerify: false });
    await fails(resolve, 'unauthorized');
    assert.ok(server.requests.every(({ authorization }) => authorization === undefined));
  }
});

test('a unit’s credentials do not go where registries.conf leads', async (t) => {
  const server = await serve(t, { auth: { basic: login } });
  server.push('app:1', image);
  const rule = { prefix: 'registry.example.com', location: server.host };
  const conf = { rules: [{ ...rule, insecure: true, blocked: false, mirrors: [] }] };
  const registry = client(t, [], { conf, credentials: knows });
  const name = 'registry.example.com/app:1';
  await fails(registry.resolve(name, amd64, unit(login.password)), 'unauthorized');
  assert.ok(server.requests.every(({ authorization }) => authorization === undefined));
  await registry.resolve(name, amd64, anonymous);
});
