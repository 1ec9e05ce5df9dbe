import assert from 'node:assert/strict';
import test from 'node:test';
import { buildImage } from '../support/image-builder.ts';
import { testCertificate } from '../support/registry-certificate.ts';
import {
  client,
  fails,
  password,
  serve,
  sink,
  trustTestCertificate,
} from '../support/registry-client.ts';

const amd64 = { os: 'linux', architecture: 'amd64' };
const login = { username: 'robot', password: 'hunter2-secret' };
const image = buildImage({ layers: [{ bytes: 50_000, seed: 1 }] });
const isBlob = ({ path }: { path: string }) => path.includes('/blobs/');

for (const auth of [{ basic: login }, { bearer: login }]) {
  test(`a redirect to another host gets no credentials (${Object.keys(auth)[0]})`, async (t) => {
    const server = await serve(t, { auth });
    const store = await serve(t);
    server.push('app:1', image);
    store.push('blobs:1', image);
    server.fault = (request) =>
      isBlob(request)
        ? {
            status: 307,
            headers: {
              location: `http://u:p@${store.host}${request.path.replace('/app/', '/blobs/')}`,
            },
          }
        : undefined;
    const credentials = async () => password(login.username, login.password);
    const registry = client(t, [server], { credentials });
    const name = `${server.host}/app:1`;
    const access = {};
    const { blobs } = await registry.resolve(name, amd64, access);
    for (const blob of blobs) await registry.download(name, blob, access, sink());
    assert.equal(store.requests.length, 2);
    assert.ok(store.requests.every(({ authorization }) => authorization === undefined));
    assert.ok(server.requests.some(({ authorization }) => authorization !== undefined));
  });
}

test('a 401 from the other host is not answered with credentials', async (t) => {
  const server = await serve(t, { auth: { basic: login } });
  const thief = await serve(t, { auth: { basic: login } });
  server.fault = ({ path }) => ({
    status: 302,
    headers: { location: `http://${thief.host}${path}` },
  });
  const credentials = async () => password(login.username, login.password);
  const registry = client(t, [server], { credentials });
  const error = await fails(registry.resolve(`${server.host}/app:1`, amd64, {}), 'unauthorized');
  assert.match(error.message, new RegExp(`by way of ${thief.host}`));
  assert.ok(thief.requests.every(({ authorization }) => authorization === undefined));
});

test('credentials are not sent again after a way round another host', async (t) => {
  const server = await serve(t, { auth: { basic: login } });
  const other = await serve(t);
  server.push('app:1', image);
  server.fault = ({ path }) =>
    path === '/v2/' || path.endsWith('?back')
      ? undefined
      : { status: 302, headers: { location: `http://${other.host}${path}` } };
  other.fault = ({ path }) => ({
    status: 302,
    headers: { location: `http://${server.host}${path}?back` },
  });
  const credentials = async () => password(login.username, login.password);
  const registry = client(t, [server], { credentials });
  await fails(registry.resolve(`${server.host}/app:1`, amd64, {}), 'unauthorized');
  const back = [...other.requests, ...server.requests.filter(({ path }) => path.endsWith('?back'))];
  assert.equal(back.length, 4);
  assert.ok(back.every(({ authorization }) => authorization === undefined));
});

test('on its own host a redirect keeps the credentials, relative ones too', async (t) => {
  const server = await serve(t, { auth: { basic: login } });
  server.push('moved/app:1', image);
  server.fault = ({ path }) =>
    path.startsWith('/v2/app/')
      ? { status: 308, headers: { location: path.replace('/v2/app/', '../../moved/app/') } }
      : undefined;
  const credentials = async () => password(login.username, login.password);
  await client(t, [server], { credentials }).resolve(`${server.host}/app:1`, amd64, {});
});

test('a circle of redirects ends', async (t) => {
  const server = await serve(t);
  server.fault = ({ path }) => ({ status: 302, headers: { location: path } });
  const work = client(t, [server]).resolve(`${server.host}/app:1`, amd64, {});
  assert.match((await fails(work, 'bad-reply')).message, /at most 5 redirects/);
  assert.equal(server.requests.length, 6);
});

for (const location of ['ftp://example.com/x', 'file:///etc/passwd', 'http://[', 'javascript:0']) {
  test(`a redirect to ${location} is refused`, async (t) => {
    const server = await serve(t);
    server.fault = () => ({ status: 302, headers: { location } });
    await fails(client(t, [server]).resolve(`${server.host}/app:1`, amd64, {}), 'bad-reply');
  });
}

test('a redirect from TLS to plain HTTP is refused, unless the unit does not care', async (t) => {
  trustTestCertificate(t);
  const server = await serve(t, { tls: testCertificate });
  const plain = await serve(t);
  plain.push('app:1', image);
  server.fault = ({ path }) => ({
    status: 302,
    headers: { location: `http://${plain.host}${path}` },
  });
  const registry = client(t, []);
  const name = `${server.host}/app:1`;
  const error = await fails(registry.resolve(name, amd64, {}), 'bad-reply');
  assert.match(error.message, /stays with TLS/);
  assert.equal(plain.requests.length, 0);
  await registry.resolve(name, amd64, { tlsVerify: false });
});
