import assert from 'node:assert/strict';
import test from 'node:test';
import { inspect } from 'node:util';
import { Secret } from '../../../src/common/secret.ts';
import type { Access } from '../../../src/registry/access.ts';
import { RegistryError } from '../../../src/registry/errors.ts';
import { buildImage } from '../../support/image-builder.ts';
import type { LoggedRequest } from '../../support/registry-answer.ts';
import type { RegistryAuth } from '../../support/registry-auth.ts';
import { testCertificate } from '../../support/registry-certificate.ts';
import {
  client,
  fails,
  password,
  serve,
  sink,
  trustTestCertificate,
} from '../../support/registry-client.ts';

const amd64 = { os: 'linux', architecture: 'amd64' };
const login = { username: 'robot', password: 'hunter2-secret' };
const image = buildImage({ layers: [{ bytes: 50_000, seed: 1 }], platforms: ['linux/amd64'] });
const knows = async () => password(login.username, login.password);
const anonymous: Access = {};
const unit = (text: string, more: Access = {}): Access => ({
  ...more,
  credentials: { kind: 'basic', username: login.username, password: new Secret(text) },
});
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

test('no error has a password or token in it, though the registry repeats them', async (t) => {
  const server = await serve(t, { auth: { bearer: login } });
  server.push('app:1', image);
  const registry = client(t, [server], { credentials: knows });
  server.fault = ({ authorization }) =>
    authorization === undefined
      ? undefined
      : { status: 403, body: `you sent ${authorization}; your password is ${login.password}` };
  const work = registry.resolve(`${server.host}/app:1`, amd64, anonymous);
  const error = await fails(work, 'forbidden');
  assert.match(error.message, /you sent Bearer \*\*\*; your password is \*\*\*/);
  const basic = Buffer.from(`${login.username}:${login.password}`).toString('base64');
  for (const text of [inspect(error, { depth: 9, showHidden: true }), JSON.stringify(error)]) {
    for (const secret of [login.password, basic, 'token-1'])
      assert.ok(!text.includes(secret), text);
  }
});

const badTokens: readonly (readonly [string, string])[] = [
  ['is not JSON', 'topsecret-token'],
  ['has none', '{"expires_in":300}'],
  ['has one that is no header', '{"token":"a\\r\\nX-Evil: topsecret"}'],
  ['is too large', JSON.stringify({ token: 'topsecret'.repeat(200_000) })],
];

for (const [what, body] of badTokens) {
  test(`a reply to the request for a token that ${what}`, async (t) => {
    const server = await serve(t);
    const tokens = await serve(t);
    tokens.fault = () => ({ status: 200, body });
    const realm = `http://${tokens.host}/token`;
    server.fault = () => ({
      status: 401,
      headers: { 'www-authenticate': `Bearer realm="${realm}"` },
    });
    const registry = client(t, [server], { credentials: knows });
    const work = registry.resolve(`${server.host}/app:1`, amd64, anonymous);
    const error = await fails(work, 'bad-reply');
    assert.doesNotMatch(inspect(error, { depth: 9 }), /topsecret/);
    assert.match(error.message, new RegExp(tokens.host));
  });
}

test('a token in a reply that is none is not quoted', async (t) => {
  for (const status of [203, 204, 400, 403, 500]) {
    const server = await serve(t, { auth: { bearer: login } });
    server.tokenFault = () => ({
      status,
      body: '{"access_token": "topsecret\\"topsecret", "Token":"topsecret", "message": "why"}',
    });
    const registry = client(t, [server], { credentials: knows });
    const work = registry.resolve(`${server.host}/app:1`, amd64, anonymous);
    const error: unknown = await work.catch((reason: unknown) => reason);
    assert.doesNotMatch(inspect(error, { depth: 9 }), /topsecret/);
    if (status !== 204) assert.match(String(error), /why/);
  }
});

test('a token is not asked for without TLS, unless the registry itself is without', async (t) => {
  const tokens = await serve(t);
  const challenge = `Bearer realm="http://${tokens.host}/token"`;
  const server = await serve(t, { tls: testCertificate, auth: { bearer: {}, challenge } });
  trustTestCertificate(t);
  const registry = client(t, [], { credentials: knows });
  const work = registry.resolve(`${server.host}/app:1`, amd64, anonymous);
  assert.match((await fails(work, 'bad-reply')).message, /a realm with TLS/);
  assert.equal(tokens.requests.length, 0);
});

test('a registry that says in other words what it was sent is not quoted', async (t) => {
  const secret = 'hunter2 "<é>/+=';
  const spelt: readonly string[] = [
    encodeURIComponent(secret),
    new URLSearchParams({ password: secret }).toString(),
    JSON.stringify({ password: secret }),
  ];
  for (const body of spelt) {
    const server = await serve(t, { auth: { basic: { username: 'me', password: secret } } });
    server.fault = ({ authorization }) =>
      authorization === undefined ? undefined : { status: 403, body };
    const credentials = async () => password('me', secret);
    const registry = client(t, [server], { credentials });
    const asked = registry.resolve(`${server.host}/app:1`, amd64, {});
    const { message } = await fails(asked, 'forbidden');
    assert.doesNotMatch(message, /hunter2/);
  }
});
