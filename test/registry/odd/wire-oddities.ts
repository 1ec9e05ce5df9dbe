import fc from 'fast-check';
import { framings } from './framing.ts';
import type { WireOddity } from './wire.ts';

/** Each of them alone before or among the other headers. */
const LINES = [
  'X-Odd:',
  'X-Odd:no space',
  'X-Odd : a space before the colon',
  'X Odd: a space in the name',
  'X@Odd: y',
  'X-Odd(1): y',
  'X-\xfcdd: y',
  ': no name',
  'no colon',
  ' leading space: y',
  'X-Odd: a\r\n folded',
  'X-Odd: a\r\n\tfolded',
  'X-Odd: \x01control',
  'X-Odd: delete\x7f',
  'X-Odd: nul\0',
  'X-Odd: caf\xe9',
  'X-Odd: caf\xc3\xa9',
  'X-Odd: \xff\xfe',
  'X-Odd: a\rb',
  'Set-Cookie: a=b; Path=/',
  'Connection: close',
  'Connection: keep-alive, X-Odd',
  'Connection: Upgrade\r\nUpgrade: h2c',
  'Upgrade: h2,h2c',
  'Keep-Alive: timeout=0, max=0',
  'Content-Encoding: identity',
  'Content-Encoding:',
  'Content-Language: none',
  'Content-Type: text/html',
  'Content-Range: bytes 0-1/2',
  'Accept-Ranges: none',
  'Retry-After: soon',
  'Date: yesterday',
  'Last-Modified: 0',
  'Location: /nowhere',
  'WWW-Authenticate: Basic realm="x"',
  'Docker-Content-Digest:',
  'Docker-Distribution-Api-Version: registry/1.0',
  'Proxy-Connection: close',
  'Trailer: X-Odd',
  'Strict-Transport-Security: max-age=1',
  'Alt-Svc: h3=":1"',
  'Set-Cookie: session=1; Domain=example.com; Secure; HttpOnly',
  'Content-Encoding: identity, identity',
  'Content-Disposition: attachment; filename="x"',
  'Content-MD5: wrong',
  'ETag: W/"x"',
  'Docker-Content-Digest: sha256:0\r\nDocker-Content-Digest: sha256:1',
  'Content-Type: application/octet-stream\r\nContent-Type: text/plain',
  'X-Registry-Supports-Signatures: 1',
  'Refresh: 0; url=/nowhere',
  'Link: </v2/next>; rel="next"',
  'TE: trailers',
  'Date: Mon, 01 Jan 2035 00:00:00 GMT',
  'Age: -1',
  'Vary: *',
  'Transfer-Encoding:',
  'Warning: 299 - "old"',
] as const;

const TYPES = [
  undefined,
  '',
  'text/html',
  'text/plain; charset=utf-8',
  'application/json',
  'application/json; charset=utf-8',
  'application/octet-stream',
  'binary/octet-stream',
  'application/vnd.docker.distribution.manifest.v1+prettyjws',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json; charset=utf-8',
  'Application/VND.OCI.image.manifest.v1+JSON',
  ';',
] as const;

const DIGESTS = [
  undefined,
  '',
  'sha256:short',
  `sha256:${'0'.repeat(64)}`,
  `SHA256:${'A'.repeat(64)}`,
  `sha512:${'0'.repeat(128)}`,
  'nonsense',
] as const;

const INSTEAD = [
  [200, 'text/html', '<html><body>Log in to the network</body></html>'],
  [200, 'text/plain', ''],
  [200, 'application/json', '{}'],
  [200, 'application/json', 'null'],
  [404, 'text/html', '<h1>Not here</h1>'],
  [403, 'text/plain', ''],
  [500, 'text/plain', 'oops'],
  [503, 'text/plain', 'later'],
  [429, 'text/plain\r\nRetry-After: 0', 'slow down'],
  [429, 'text/plain\r\nRetry-After: -5', 'slow down'],
  [429, 'text/plain\r\nRetry-After: Thu, 01 Jan 2015 00:00:00 GMT', 'slow down'],
  [503, 'text/html\r\nRetry-After: 432000', 'back in five days'],
  [401, 'text/plain', ''],
  [302, 'text/plain', ''],
  [302, 'text/plain\r\nLocation:', ''],
  [204, 'text/plain', ''],
] as const;

/** What most clients take. */
const harmless: fc.Arbitrary<WireOddity> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('framing'), framing: fc.constantFrom(...framings) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('header'), line: fc.constantFrom(...LINES) }),
  },
  fc.constant<WireOddity>({ kind: 'line-ends' }),
  fc.record({
    kind: fc.constant('large-header'),
    kilobytes: fc.constantFrom(7, 9, 17, 21, 70, 300, 1100),
  }),
  fc.record({ kind: fc.constant('many-headers'), count: fc.constantFrom(50, 300, 2500) }),
  fc.record({
    kind: fc.constant('version'),
    version: fc.constantFrom(
      'HTTP/1.0',
      'HTTP/1.0',
      'HTTP/1.1 ',
      'http/1.1',
      'HTTP/1.2',
      'HTTP/2.0',
      'HTTP/01.1',
    ),
  }),
  fc.record({
    kind: fc.constant('reason'),
    reason: fc.constantFrom('', ' ', ' \xdcber', '  two', ' \t', 'x'),
  }),
  fc.record({
    kind: fc.constant('informational'),
    status: fc.constantFrom(100, 102, 103, 199),
    count: fc.constantFrom(1, 2, 6),
  }),
  fc.record({ kind: fc.constant('before'), text: fc.constantFrom('\r\n', '\n', ' ') }),
  fc.record({
    kind: fc.constant('after'),
    text: fc.constantFrom('\r\n', 'x', 'HTTP/1.1 200 OK\r\n\r\n'),
  }),
  fc.record({ kind: fc.constant('ending'), ending: fc.constantFrom('closed', 'closed', 'reset') }),
  fc.record({ kind: fc.constant('late'), milliseconds: fc.constantFrom(20, 150) }),
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('pieces'), bytes: fc.constantFrom(1, 2, 7) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('encoded'),
      by: fc.constantFrom('gzip', 'deflate', 'nothing'),
      as: fc.constantFrom('gzip', 'GZIP', 'x-gzip', 'deflate', 'br', 'identity', ''),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('type'), type: fc.constantFrom(...TYPES) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('digest'), digest: fc.constantFrom(...DIGESTS) }),
  },
  fc.constant<WireOddity>({ kind: 'head-with-body' }),
);

/** What spoils a reply, for one request or for all. */
const harmful: fc.Arbitrary<WireOddity> = fc.oneof(
  fc.record({ kind: fc.constant('status'), status: fc.constantFrom(201, 202, 203, 206, 299, 304) }),
  fc.record({ kind: fc.constant('cut'), part: fc.constantFrom(0, 0.3, 0.99) }),
  fc.constant<WireOddity>({ kind: 'altered' }),
  fc.constant<WireOddity>({ kind: 'longer' }),
  fc
    .constantFrom(...INSTEAD)
    .map(([status, type, body]): WireOddity => ({ kind: 'instead', status, type, body })),
);

/** @param harm how many of ten spoil the reply. */
export function wireOddities(harm: number): fc.Arbitrary<WireOddity> {
  return fc.oneof({ weight: 10 - harm, arbitrary: harmless }, { weight: harm, arbitrary: harmful });
}
