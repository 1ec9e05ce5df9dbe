import assert from 'node:assert/strict';
import test from 'node:test';
import { inspect } from 'node:util';
import { testCertificate } from '../../support/registry-certificate.ts';
import {
  client,
  fails,
  password,
  serve,
  trustTestCertificate,
} from '../../support/registry-client.ts';
import { amd64, anonymous, image, knows, login } from './login.ts';

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
