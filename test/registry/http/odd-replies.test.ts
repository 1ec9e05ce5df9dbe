import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import test, { type TestContext } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { sha256 } from '../../../src/image/digest.ts';
import { buildImage } from '../../support/image-builder.ts';
import { testCertificate } from '../../support/registry-certificate.ts';
import { client, fails, trustTestCertificate } from '../../support/registry-client.ts';

const amd64 = { os: 'linux', architecture: 'amd64' };
const { top } = buildImage({ layers: [{ files: { a: 'b' } }] });
const type = `Content-Type: ${top.mediaType}`;
const length = `Content-Length: ${top.content.length}`;
const ok = 'HTTP/1.1 200 OK';
const lines = (...all: readonly string[]) => Buffer.from([...all, '', ''].join('\r\n'), 'latin1');
const whole = (...head: readonly string[]) => Buffer.concat([lines(...head), top.content]);
const chunk = (end = '\r\n') =>
  Buffer.concat([
    Buffer.from(`${top.content.length.toString(16)}${end}`),
    top.content,
    Buffer.from(`${end}0${end}${end}`),
  ]);

/** Replies that engines take, and Node's parser by itself does not. */
const taken: Readonly<Record<string, Buffer>> = {
  'headers of 100 KB': whole(ok, `X: ${'x'.repeat(100_000)}`, type, length),
  'five thousand headers': whole(
    ok,
    ...Array.from({ length: 5000 }, (_, n) => `X${n}: y`),
    type,
    length,
  ),
  'a length and chunks': Buffer.concat([
    lines(ok, type, length, 'Transfer-Encoding: chunked'),
    chunk(),
  ]),
  'a wrong length and chunks': Buffer.concat([
    lines(ok, type, 'Content-Length: 3', 'Transfer-Encoding: chunked'),
    chunk(),
  ]),
  'the same length twice': whole(ok, type, length, length),
  'lines that end in a bare LF': Buffer.concat([
    Buffer.from(`${ok}\n${type}\n${length}\n\n`),
    top.content,
  ]),
  'chunks with extensions': Buffer.concat([
    lines(ok, type, 'Transfer-Encoding: chunked'),
    Buffer.from(`${top.content.length.toString(16)};a=b;c="d"\r\n`),
    top.content,
    Buffer.from('\r\n0\r\nX-Trailer: y\r\n\r\n'),
  ]),
  'a control character in a header': whole(ok, 'X: a\u0001b', type, length),
  'a zero byte in a header': whole(ok, 'X: a\u0000b', type, length),
  'a header in two lines': whole(ok, 'X: a', '  b', type, length),
  'a line that is no header': whole(ok, 'X Y: z', ': nothing', type, length),
  'HTTP/1.0': whole('HTTP/1.0 200 OK', type, length),
  'HTTP/1.0 with chunks that are none': whole(
    'HTTP/1.0 200 OK',
    type,
    length,
    'Transfer-Encoding: chunked',
  ),
  'an encoding that is none, on a connection that stays open': whole(
    ok,
    type,
    length,
    'Transfer-Encoding: identity',
  ),
  'bytes after the body, on a connection that stays open': Buffer.concat([
    whole(ok, type, length),
    Buffer.from('x\r\n'),
  ]),
  'bytes after the body and two lengths, on a connection that stays open': Buffer.concat([
    whole(ok, 'Connection: keep-alive', type, length, length),
    Buffer.from('x\r\n'),
  ]),
  'no reason': whole('HTTP/1.1 200', type, length),
  'replies before the reply': Buffer.concat([
    lines('HTTP/1.1 103 Early Hints', 'Link: </a>'),
    lines('HTTP/1.1 100 Continue'),
    whole(ok, type, length, length),
  ]),
  'no length at all': whole(ok, type),
};

/** A server that gives every first request the same bytes, and closes the connection unless it is lasting. */
async function listen(t: TestContext, reply: Buffer, isTls: boolean, isLasting = false) {
  const answer = (socket: Socket) => {
    t.after(() => socket.destroy());
    socket.on('error', () => undefined);
    socket.once('data', () => (isLasting ? socket.write(reply) : socket.end(reply)));
  };
  const server = isTls ? createTlsServer(testCertificate, answer) : createServer(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const address = server.address();
  return `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
}

for (const [what, reply] of Object.entries(taken)) {
  test(`${what}: the reply is read, with TLS and without`, async (t) => {
    trustTestCertificate(t);
    for (const isTls of [false, true]) {
      const host = await listen(t, reply, isTls, what.includes('stays open'));
      const registry = client(t, isTls ? [] : [{ host }]);
      const { digest } = await registry.resolve(`${host}/app:1`, amd64, {});
      assert.equal(digest, sha256(top.content));
    }
  });
}

test('a reply in single bytes is the same', async (t) => {
  const reply = taken['the same length twice'] ?? assert.fail('there is none');
  const server = createServer((socket) => {
    socket.setNoDelay().on('error', () => undefined);
    socket.once('data', () => {
      for (const byte of reply) socket.write(Buffer.from([byte]));
      socket.end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const address = server.address();
  const host = `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  await client(t, [{ host }]).resolve(`${host}/app:1`, amd64, {});
});

for (const [what, reply] of [
  ['lengths that differ', whole(ok, type, length, 'Content-Length: 3')],
  ['a length that is no number', whole(ok, type, 'Content-Length: x')],
  [
    'a chunk without a size',
    Buffer.concat([lines(ok, type, 'Transfer-Encoding: chunked'), Buffer.from('x\r\n')]),
  ],
  [
    'chunks whose lines end in a bare LF, on a connection that stays open',
    Buffer.concat([lines(ok, type, 'Transfer-Encoding: chunked'), chunk('\n')]),
  ],
  [
    'the same behind a head that Node refuses, on a connection that stays open',
    Buffer.concat([lines(ok, type, length, length, 'Transfer-Encoding: chunked'), chunk('\n')]),
  ],
  [
    'heads without end before the reply',
    Buffer.concat(Array.from({ length: 200 }, () => lines('HTTP/1.1 102 Processing'))),
  ],
  [
    'heads without end, of which one is odd',
    Buffer.concat([
      lines('HTTP/1.1 102 Processing', 'Content-Length: 0', 'Content-Length: 0'),
      ...Array.from({ length: 200 }, () => lines('HTTP/1.1 102 Processing')),
    ]),
  ],
  ['something else', Buffer.from('SSH-2.0-OpenSSH_9.2\r\n')],
] as const) {
  test(`${what}: the registry is at fault, and asking again would not help`, async (t) => {
    trustTestCertificate(t);
    for (const isTls of [false, true]) {
      const host = await listen(t, reply, isTls, what.includes('stays open'));
      const registry = client(t, isTls ? [] : [{ host }]);
      const error = await fails(registry.resolve(`${host}/app:1`, amd64, {}), 'bad-reply');
      assert.equal(error.kind, 'failed');
    }
  });
}

for (const [what, head] of [
  ['the same length twice', lines(ok, 'Content-Length: 0', 'Content-Length: 0')],
  ['bare LF', Buffer.from(`${ok}\nX: y\n\n`)],
  ['headers of 100 KB', lines(ok, `X: ${'x'.repeat(100_000)}`)],
  ['a control character', lines(ok, 'X: a\u0001')],
  ['a length and chunks', lines(ok, 'Content-Length: 7', 'Transfer-Encoding: chunked')],
  ['a reply before the reply', Buffer.concat([lines('HTTP/1.1 100 Continue'), lines(ok)])],
] as const) {
  test(`a proxy that answers CONNECT with ${what} is used`, async (t) => {
    const host = 'a.example:5000';
    const proxy = createServer((socket) => {
      socket
        .on('error', () => undefined)
        .once('data', (asked: Buffer) => {
          assert.match(
            asked.toString(),
            /^CONNECT a\.example:5000 HTTP\/1\.1\r\nhost: a\.example:5000\r\n\r\n$/,
          );
          socket.write(head);
          // The registry behind it has no TLS, which a client notices at the first bytes.
          socket.once('data', () => socket.end(lines('HTTP/1.1 400 Bad Request')));
        });
    }).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    t.after(() => proxy.close());
    const address = proxy.address();
    const url = new URL(`http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`);
    const registry = client(t, [], { proxyFor: () => ({ url }) });
    const error = await fails(registry.resolve(`${host}/app:1`, amd64, {}), 'registry-unreachable');
    assert.match(error.message, /wrong version number|packet length/i, 'TLS was begun');
  });
}
