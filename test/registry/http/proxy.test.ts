import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import test, { type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { inspect } from 'node:util';
import { Secret } from '../../../src/common/secret.ts';
import { RegistryError } from '../../../src/registry/errors.ts';
import { TIMEOUTS } from '../../../src/registry/http/body.ts';
import { type Proxy, proxiesOf } from '../../../src/registry/http/proxy.ts';
import { buildImage } from '../../support/image-builder.ts';
import { testCertificate } from '../../support/registry-certificate.ts';
import { client, fails, serve, trustTestCertificate } from '../../support/registry-client.ts';
import { startProxyServer } from '../proxy-server.ts';

const way = (environment: Readonly<Record<string, string>>, url: string) => {
  const proxy = proxiesOf(environment)(new URL(url));
  if (proxy === undefined) return 'direct';
  const { url: at, login } = proxy;
  return login === undefined ? at.href : `${at.href} ${login.username}:${login.password.reveal()}`;
};

test('which proxy a URL is asked by', () => {
  const both = { HTTP_PROXY: 'http://plain.example:1', HTTPS_PROXY: 'tls.example:2' };
  assert.equal(way(both, 'http://a.example/'), 'http://plain.example:1/');
  assert.equal(way(both, 'https://a.example/'), 'http://tls.example:2/');
  assert.equal(way({}, 'https://a.example/'), 'direct');
  assert.equal(way({ https_proxy: 'b.example' }, 'https://a.example/'), 'http://b.example/');
  const upper = { https_proxy: 'b.example', HTTPS_PROXY: 'c.example' };
  assert.equal(way(upper, 'https://a.example/'), 'http://c.example/');
  const login = { HTTPS_PROXY: 'https://me:p%40ss%3A@b.example' };
  assert.equal(way(login, 'https://a.example/'), 'https://b.example/ me:p@ss:');
  for (const local of ['localhost', '127.1.2.3', '[::1]']) {
    assert.equal(way(both, `https://${local}:5000/`), 'direct', local);
  }
});

test('what is no proxy is an error that names the variable, and no password', () => {
  for (const [variable, text, found] of [
    ['HTTPS_PROXY', 'http://[', '"http://["'],
    ['HTTPS_PROXY', 'ftp://proxy.example', '"ftp://proxy.example"'],
    ['http_proxy', 'http://', '"http://"'],
    ['https_proxy', 'me:hunter2', 'none (it is not shown: it may hold a password)'],
    [
      'HTTP_PROXY',
      'http://me:%zzhunter2@b.example',
      'none (it is not shown: it may hold a password)',
    ],
  ] as const) {
    assert.throws(
      () => proxiesOf({ [variable]: text }),
      (error: unknown) =>
        error instanceof RegistryError &&
        error.kind === 'usage' &&
        error.message ===
          `${variable}: expected the URL of a proxy (http, https or socks5), found ${found}`,
      text,
    );
  }
});

test('what NO_PROXY takes out', () => {
  const isDirect = (exempt: string, url: string) =>
    way({ HTTPS_PROXY: 'p.example', HTTP_PROXY: 'p.example', NO_PROXY: exempt }, url) === 'direct';
  const direct: readonly (readonly [string, string])[] = [
    ['*', 'https://a.example/'],
    ['a.example', 'https://a.example/'],
    ['b.example, A.Example ', 'https://x.a.example/'],
    ['.a.example', 'https://x.a.example/'],
    ['*.a.example', 'https://x.a.example/'],
    ['a.example:443', 'https://a.example/'],
    ['a.example:5000', 'http://a.example:5000/'],
    ['10.0.0.0/8', 'https://10.1.2.3/'],
    ['10.1.2.3', 'https://10.1.2.3/'],
    ['10.1.2.3:80', 'http://10.1.2.3/'],
    ['fd00::/8', 'https://[fd00::1]/'],
    ['[fd00::1]:443', 'https://[fd00::1]/'],
  ];
  for (const [exempt, url] of direct) assert.ok(isDirect(exempt, url), `${exempt}: ${url}`);
  const proxied: readonly (readonly [string, string])[] = [
    ['', 'https://a.example/'],
    ['.a.example', 'https://a.example/'],
    ['*.a.example', 'https://a.example/'],
    ['a.example', 'https://ba.example/'],
    ['a.example:80', 'https://a.example/'],
    ['10.0.0.0/33', 'https://10.1.2.3/'],
    ['::/0', 'https://10.1.2.3/'],
    ['0.0.0.0/0', 'https://a.example/'],
    [':443', 'https://a.example/'],
  ];
  for (const [exempt, url] of proxied) assert.ok(!isDirect(exempt, url), `${exempt}: ${url}`);
});

const image = buildImage({ layers: [{ files: { a: 'b' } }] });
const amd64 = { os: 'linux', architecture: 'amd64' };

/** A proxy on a free port, and a client that asks everything by it. */
async function proxied(t: TestContext, password: string, hosts: readonly { host: string }[]) {
  const port = await freePort();
  const server = await startProxyServer('proxy', { host: '127.0.0.1', port }, 'me:hunter2-secret');
  t.after(() => server.close());
  const proxy: Proxy = {
    url: new URL(`http://127.0.0.1:${port}`),
    login: { username: 'me', password: new Secret(password) },
  };
  return { server, registry: client(t, hosts, { proxyFor: () => proxy }) };
}

/** A proxy that answers as it likes. */
async function listen(
  t: TestContext,
  scheme: 'http' | 'socks5',
  answer: (socket: Socket) => void,
): Promise<URL> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const address = server.address();
  return new URL(`${scheme}://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

for (const tls of [undefined, testCertificate]) {
  test(`a registry ${tls ? 'with' : 'without'} TLS behind a proxy`, async (t) => {
    if (tls) trustTestCertificate(t);
    const origin = await serve(t, tls === undefined ? {} : { tls });
    origin.push('app:1', image);
    const { server, registry } = await proxied(t, 'hunter2-secret', tls ? [] : [origin]);
    const { digest } = await registry.resolve(`${origin.host}/app:1`, amd64, {});
    assert.equal(digest, image.top.digest);
    assert.ok(server.seen.gave.has(tls ? origin.host : `http://${origin.host}`));
  });

  test(`a proxy that refuses, ${tls ? 'with' : 'without'} TLS: whose fault it is, and no password`, async (t) => {
    const origin = await serve(t, tls === undefined ? {} : { tls });
    const { registry } = await proxied(t, 'wrong-hunter2', tls ? [] : [origin]);
    const asked = registry.resolve(`${origin.host}/app:1`, amd64, {});
    const error = await asked.then(
      () => assert.fail('expected a refusal'),
      (cause: unknown) => cause,
    );
    assert.match(inspect(error), tls ? /at the proxy 127\.0\.0\.1:\d+: 407/ : /407/);
    assert.doesNotMatch(inspect(error, { depth: 9 }), /hunter2/);
    assert.deepEqual(origin.requests, []);
  });
}

test('an error on the way to a proxy says that it is one', async (t) => {
  const port = await freePort();
  const registry = client(t, [], {
    proxyFor: () => ({ url: new URL(`http://127.0.0.1:${port}`) }),
  });
  const error = await fails(registry.resolve('a.example/app:1', amd64, {}), 'registry-unreachable');
  assert.match(error.message, /at the proxy 127\.0\.0\.1:\d+: .*ECONNREFUSED/);
});

test('a proxy that says nothing is not waited for without end', async (t) => {
  const url = await listen(t, 'http', () => undefined);
  const registry = client(t, [], {
    proxyFor: () => ({ url }),
    timeouts: { ...TIMEOUTS, connect: 50 },
  });
  const error = await fails(registry.resolve('a.example/app:1', amd64, {}), 'registry-unreachable');
  assert.match(error.hint, /HTTPS_PROXY/);
});

for (const { host, asked, said } of [
  { host: '192.0.2.7', asked: '05010001c00002071388', said: '192.0.2.7' },
  {
    host: '[fd00:0:0:1::a:b]',
    asked: '05010004fd0000000000000100000000000a000b1388',
    said: 'fd00:',
  },
]) {
  test(`a SOCKS proxy is asked for ${host} by its bytes, and may refuse`, async (t) => {
    const received: Buffer[] = [];
    const answers = [Buffer.from([5, 0]), Buffer.from([5, 2, 0, 1])];
    const url = await listen(t, 'socks5', (socket) => {
      socket.on('data', (chunk) => {
        received.push(chunk);
        socket.write(answers.shift() ?? Buffer.alloc(0));
      });
    });
    const registry = client(t, [], { proxyFor: () => ({ url }) });
    const error = await fails(
      registry.resolve(`${host}:5000/app:1`, amd64, {}),
      'registry-unreachable',
    );
    const refused = /at the proxy 127\.0\.0\.1:\d+: it answers 2 for (?<address>.*)/;
    assert.ok(refused.exec(error.message)?.groups?.['address']?.startsWith(said), error.message);
    assert.equal(Buffer.concat(received).toString('hex'), `050100${asked}`);
  });
}

for (const [what, isWhole] of [
  ['in pieces', true],
  ['in part, and hangs up', false],
] as const) {
  test(`a SOCKS proxy that answers ${what}`, async (t) => {
    const answer = Buffer.from([5, 0]);
    const refusal = Buffer.from([5, 2, 0, 1]);
    const url = await listen(t, 'socks5', (socket) => {
      const answers = [answer, refusal];
      const reply = async () => {
        for (const byte of answers.shift() ?? []) {
          if (!socket.writable) return;
          socket.write(Buffer.from([byte]));
          await setTimeout(20);
          if (!isWhole) socket.end();
        }
      };
      socket.setNoDelay().on('data', () => void reply());
    });
    const registry = client(t, [], { proxyFor: () => ({ url }) });
    const asked = registry.resolve('a.example/app:1', amd64, {});
    const error = await fails(asked, 'registry-unreachable');
    assert.match(error.message, isWhole ? /it answers 2 for a\.example:443/ : /it hangs up/);
  });
}
