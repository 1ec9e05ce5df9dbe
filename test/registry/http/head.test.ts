import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  HeadBytes,
  MAX_HEAD,
  NotHttp,
  parseHead,
  plainHead,
} from '../../../src/registry/http/head.ts';

const plain = (...lines: readonly string[]) =>
  plainHead(parseHead(Buffer.from([...lines, '', ''].join('\r\n'), 'latin1')))
    .toString('latin1')
    .replace('connection: close\r\n', '')
    .split('\r\n')
    .slice(0, -2);

test('a head means to berth what it means to Go', () => {
  const ok = 'HTTP/1.1 200 OK';
  const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['as it should be', [ok, 'Content-Length: 5', 'A: b'], [ok, 'a: b', 'content-length: 5']],
    [
      'the same length twice',
      [ok, 'Content-Length: 5', 'content-length: 5'],
      [ok, 'content-length: 5'],
    ],
    [
      'chunks and a length',
      [ok, 'Content-Length: 5', 'Transfer-Encoding: chunked'],
      [ok, 'transfer-encoding: chunked'],
    ],
    [
      'chunks and two lengths',
      [ok, 'Content-Length: 5', 'Content-Length: 6', 'Transfer-Encoding: chunked'],
      [ok, 'transfer-encoding: chunked'],
    ],
    [
      'chunks in HTTP/1.0',
      ['HTTP/1.0 200 OK', 'Transfer-Encoding: chunked', 'Content-Length: 5'],
      ['HTTP/1.0 200 OK', 'content-length: 5'],
    ],
    [
      'an encoding that is none',
      [ok, 'Transfer-Encoding: identity', 'Content-Length: 5'],
      [ok, 'content-length: 5'],
    ],
    ['no reason', ['HTTP/1.1 200'], ['HTTP/1.1 200 ']],
    ['an unknown version', ['HTTP/1.7 404 Not Found'], ['HTTP/1.1 404 Not Found']],
    ['control characters', [ok, 'X: a\u0001b\u0000\u007f\tc'], [ok, 'x: ab\tc']],
    ['a header in two lines', [ok, 'X: a', '  b', '\tc'], [ok, 'x: a b c']],
    ['lines that are no headers', [ok, 'nothing', ': empty', 'a b: c', 'X: y'], [ok, 'x: y']],
    ['a space before the colon', [ok, 'Content-Length : 7', 'X: y'], [ok, 'x: y']],
    ['an empty length', [ok, 'Content-Length: '], [ok]],
    ['bytes above ASCII', [ok, 'X: \u00e9'], [ok, 'x: \u00e9']],
  ];
  for (const [what, lines, expected] of cases) assert.deepEqual(plain(...lines), expected, what);
});

test('lines may end in a bare LF', () => {
  const head = parseHead(Buffer.from('HTTP/1.1 201 Made\nA: b\nC: d\n\n'));
  assert.deepEqual(head, {
    minor: 1,
    status: 201,
    reason: 'Made',
    headers: [
      ['a', 'b'],
      ['c', 'd'],
    ],
  });
});

test('what is not HTTP is called that', () => {
  for (const line of ['220 ready', 'HTTP/1.1 OK', 'HTTP/1.1 20 OK', 'http/1.1 200 OK', '<html>']) {
    assert.throws(() => plain(line), NotHttp, line);
  }
  assert.throws(() => plain('HTTP/1.1 200 OK', 'Content-Length: 5', 'Content-Length: 6'), NotHttp);
});

test('a head is found however its bytes are cut, and what follows is left alone', () => {
  const head = 'HTTP/1.1 200 OK\r\nA: b\n\r\n';
  const all = Buffer.from(`${head}body\r\n\r\nmore`);
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat({ max: all.length })), (cuts) => {
      const ends = [...cuts.sort((a, b) => a - b), all.length];
      const bytes = new HeadBytes();
      let found: ReturnType<HeadBytes['add']>;
      let at = 0;
      for (const end of ends) {
        if (found === undefined) found = bytes.add(all.subarray(at, end));
        else found = { ...found, rest: Buffer.concat([found.rest, all.subarray(at, end)]) };
        at = end;
      }
      assert.equal(found?.head.toString(), head);
      assert.equal(found?.rest.toString(), 'body\r\n\r\nmore');
    }),
    { seed: 17, numRuns: 200 },
  );
});

test('a head without end is bounded', () => {
  const bytes = new HeadBytes();
  const chunk = Buffer.from(`a: ${'a'.repeat(1000)}\r\n`);
  const feed = () => {
    for (let length = 0; length <= MAX_HEAD; length += chunk.length) bytes.add(chunk);
  };
  assert.throws(feed, NotHttp);
});
