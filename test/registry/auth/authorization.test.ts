import assert from 'node:assert/strict';
import test from 'node:test';
import { inspect } from 'node:util';
import { Secret } from '../../../src/common/secret.ts';
import type { Access } from '../../../src/registry/access.ts';
import { RegistryError } from '../../../src/registry/errors.ts';
import type { LoggedRequest } from '../../support/registry-answer.ts';
import type { RegistryAuth } from '../../support/registry-auth.ts';
import { client, fails, password, serve, sink } from '../../support/registry-client.ts';
import { amd64, anonymous, image, knows, login } from './login.ts';

const tokensAsked = (requests: readonly LoggedRequest[]) =>
  requests.filter(({ path }) => path.startsWith('/token')).length;

test('basic: with the host’s credentials, once they are asked for', async (t) => {
  const server = await serve(t, { auth: { basic: login } });
  server.push('acme/app:1', image);
  const registry = client(t, [server], { credentials: knows });
  const name = `${server.host}/acme/app:1`;
  const access: Access = {};
  const { blobs } = await registry.resolve(name, amd64, access);
  for (const blob of blobs) await registry.download(name, blob, access, sink());
  assert.deepEqual(
    server.requests.map(({ status }) => status),
    [401, 200, 200, 200, 200],
  );
});

test('bearer: one token serves all requests to a repository', async (t) => {
  const server = await serve(t, { auth: { bearer: login } });
  server.push('acme/app:1', image);
  const registry = client(t, [server], { credentials: knows });
  const name = `${server.host}/acme/app:1`;
  const access: Access = {};
  const { blobs } = await registry.resolve(name, amd64, access);
  await Promise.all(blobs.map((blob) => registry.download(name, blob, access, sink())));
  assert.equal(tokensAsked(server.requests), 1);
  assert.match(server.requests[1]?.path ?? '', /scope=repository%3Aacme%2Fapp%3Apull/);
});

test('bearer: an expired token is replaced, once for all who wait', async (t) => {
  const server = await serve(t, { auth: { bearer: login } });
  server.push('acme/app:1', image);
  const registry = client(t, [server], { credentials: knows });
  const name = `${server.host}/acme/app:1`;
  const access: Access = {};
  const { blobs } = await registry.resolve(name, amd64, access);
  server.expireTokens();
  await Promise.all(blobs.map((blob) => registry.download(name, blob, access, sink())));
  assert.equal(tokensAsked(server.requests), 2);
});

test('bearer: anybody gets a token where nobody need be known', async (t) => {
  const server = await serve(t, { auth: { bearer: {} } });
  server.push('app:1', image);
  await client(t, [server]).resolve(`${server.host}/app:1`, amd64, anonymous);
  assert.equal(server.requests[1]?.authorization, undefined);
});

const challenges: readonly string[] = [
  'Bearer realm="{realm}"',
  'Bearer realm="/token",service="s"',
  'bearer REALM="{realm}", service="a, b", scope="repository:app:pull"',
  'Negotiate, Basic realm="x, Bearer realm=y", Bearer realm="{realm}",error="insufficient_scope"',
  'Negotiate YIIa==, Bearer realm={realm}',
];

for (const challenge of challenges) {
  test(`bearer: a registry that says ${challenge}`, async (t) => {
    const server = await serve(t, { auth: { bearer: login, challenge } });
    server.push('app:1', image);
    const registry = client(t, [server], { credentials: knows });
    await registry.resolve(`${server.host}/app:1`, amd64, anonymous);
  });
}

const placeholder = 'Bearer realm="{realm}",scope="repository:user/image:pull"';
/** Nothing listens on this port. */
const dead = 'Bearer realm="http://127.0.0.1:1/token"';
const offers: readonly (readonly [string, RegistryAuth])[] = [
  [
    'Basic, and then tokens of a server that is away',
    { basic: login, challenge: `Basic realm="x", ${dead}` },
  ],
  [
    'tokens of a server that is away, and then Basic',
    { basic: login, challenge: `${dead}, Basic realm="x"` },
  ],
  [
    'Basic, which it does not take, and tokens',
    { bearer: login, challenge: `Basic realm="x", Bearer realm="{realm}"` },
  ],
  ['tokens for a placeholder', { bearer: login, challenge: placeholder }],
  [
    'access_token beside a token that is null',
    { bearer: { ...login, reply: '{"token": null, "access_token": "{token}"}' } },
  ],
  [
    'a token in capitals',
    { bearer: { ...login, reply: '{"Token": "{token}", "expires_in": null}' } },
  ],
];

for (const [what, auth] of offers) {
  test(`a registry that offers ${what}`, async (t) => {
    const server = await serve(t, { auth });
    server.push('acme/app:1', image);
    const registry = client(t, [server], { credentials: knows });
    const access: Access = {};
    const { blobs } = await registry.resolve(`${server.host}/acme/app:1`, amd64, access);
    assert.ok(blobs[0]);
    await registry.download(`${server.host}/acme/app:1`, blobs[0], access, sink());
  });
}

test('a scope that the challenge names is asked for where that of the repository is too little', async (t) => {
  const server = await serve(t);
  const tokens = await serve(t);
  server.push('acme/app:1', image);
  tokens.fault = ({ path }) => ({
    status: 200,
    body: JSON.stringify({ token: path.includes('scope=special') ? 'enough' : 'too-little' }),
  });
  const challenge = `Bearer realm="http://${tokens.host}/token",scope="special"`;
  server.fault = ({ authorization }) =>
    authorization === 'Bearer enough'
      ? undefined
      : { status: 401, headers: { 'www-authenticate': challenge } };
  await client(t, [server]).resolve(`${server.host}/acme/app:1`, amd64, anonymous);
  assert.deepEqual(
    tokens.requests.map(({ path }) => new URL(path, 'http://x').searchParams.getAll('scope')),
    [['repository:acme/app:pull'], ['repository:acme/app:pull', 'special']],
  );
});

test('the server of tokens that can’t be reached is named', async (t) => {
  const server = await serve(t, { auth: { bearer: login, challenge: dead } });
  const registry = client(t, [server], { credentials: knows });
  const asked = registry.resolve(`${server.host}/app:1`, amd64, anonymous);
  const error = await fails(asked, 'registry-unreachable');
  assert.match(error.message, /a token from 127\.0\.0\.1:1 .*connection refused/);
  assert.match(error.hint, /127\.0\.0\.1:1 can be reached/);
});

const ways: readonly RegistryAuth[] = [{ basic: login }, { bearer: login, challenge: placeholder }];

for (const hides of [404, 403, 401, 400, 200]) {
  test(`a registry that answers ${hides} to nobody in particular, and asks who it is at /v2/ alone`, async (t) => {
    for (const auth of ways) {
      const server = await serve(t, { auth: { ...auth, hides } });
      server.push('acme/app:1', image);
      const name = `${server.host}/acme/app:1`;
      const access: Access = {};
      const registry = client(t, [server], { credentials: knows });
      const { blobs } = await registry.resolve(name, amd64, access);
      for (const blob of blobs) await registry.download(name, blob, access, sink());
      const pings = server.requests.filter(({ path }) => path === '/v2/');
      assert.equal(pings.length, 1);
      const stranger = client(t, [server], { credentials: async () => undefined });
      const error: unknown = await stranger.resolve(name, amd64, {}).catch((e: unknown) => e);
      assert.ok(error instanceof RegistryError);
      // What the registry says to strangers stands, with a word on how not to be one.
      if (hides === 404) assert.match(error.hint, /podman login/);
    }
  });
}

test('a registry without secrets is asked at /v2/ once in a run', async (t) => {
  const server = await serve(t);
  const registry = client(t, [server], { credentials: knows });
  for (const name of ['a', 'b', 'c']) {
    await fails(registry.resolve(`${server.host}/${name}:1`, amd64, {}), 'not-found');
  }
  assert.deepEqual(
    server.requests.map(({ path }) => path),
    ['/v2/a/manifests/1', '/v2/', '/v2/b/manifests/1', '/v2/c/manifests/1'],
  );
  assert.ok(server.requests.every(({ authorization }) => authorization === undefined));
});

test('a failure at /v2/ that passes is not remembered', async (t) => {
  const server = await serve(t, { auth: { basic: login, hides: 404 } });
  server.push('app:1', image);
  const registry = client(t, [server], { credentials: knows });
  server.fault = ({ path }) => (path === '/v2/' ? { kind: 'reset-at-once' } : undefined);
  await fails(registry.resolve(`${server.host}/app:1`, amd64, {}), 'not-found');
  server.fault = () => undefined;
  await registry.resolve(`${server.host}/app:1`, amd64, {});
});

test('a registry that shows all to anybody who takes a token', async (t) => {
  const server = await serve(t, { auth: { bearer: {}, hides: 404 } });
  server.push('app:1', image);
  await client(t, [server]).resolve(`${server.host}/app:1`, amd64, anonymous);
});

const shut: readonly RegistryAuth[] = [
  { basic: login },
  { bearer: login },
  { bearer: login, challenge: 'Negotiate' },
  { bearer: login, challenge: '' },
];

for (const auth of shut) {
  test(`without the right credentials: ${inspect(auth, { breakLength: Infinity })}`, async (t) => {
    const server = await serve(t, { auth });
    server.push('app:1', image);
    const name = `${server.host}/app:1`;
    for (const credentials of [async () => undefined, async () => password('robot', 'wrong-one')]) {
      const error = await fails(
        client(t, [server], { credentials }).resolve(name, amd64, anonymous),
        'unauthorized',
      );
      assert.match(error.hint, new RegExp(`podman login ${server.host}`));
    }
    assert.ok(server.requests.length <= 6, 'it does not go on trying');
  });
}

test('an identity token is exchanged for a bearer token', async (t) => {
  const server = await serve(t, { auth: { bearer: login } });
  server.push('app:1', image);
  const credentials = async () => ({
    ...password('', ''),
    identityToken: new Secret('refresh-secret'),
  });
  const registry = client(t, [server], { credentials });
  await fails(registry.resolve(`${server.host}/app:1`, amd64, anonymous), 'unauthorized');
  const asked = server.requests.find(({ path }) => path.startsWith('/token'));
  assert.equal(asked?.method, 'POST');
  assert.equal(asked?.path, '/token', 'the secret is not in the URL');
});
