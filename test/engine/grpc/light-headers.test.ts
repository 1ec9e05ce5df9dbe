import assert from 'node:assert/strict';
import test from 'node:test';
import { Headers as LightHeaders } from '../../../src/engine/grpc/light-headers.ts';

/** What happens to headers, and what can be seen of them then. */
type Work = (headers: Headers | LightHeaders) => unknown;

const works: Readonly<Record<string, Work>> = {
  'a name in other letters': (headers) => {
    headers.set('Content-Type', 'application/grpc');
    return [headers.get('content-type'), headers.has('CONTENT-TYPE'), headers.get('absent')];
  },
  'a value that is added': (headers) => {
    headers.append('a', '1');
    headers.append('A', ' 2\t');
    return headers.get('a');
  },
  'a value that is replaced': (headers) => {
    headers.append('a', '1');
    headers.set('A', '2');
    return headers.get('a');
  },
  'a field that is removed': (headers) => {
    headers.set('a', '1');
    headers.delete('A');
    return headers.has('a');
  },
  'an empty value': (headers) => {
    headers.set('a', ' ');
    return headers.get('a');
  },
  'a binary field': (headers) => {
    headers.append('grpc-status-details-bin', 'CAU=');
    headers.append('grpc-status-details-bin', 'CAY=');
    return headers.get('Grpc-Status-Details-Bin');
  },
  'a name that is none': (headers) => headers.set('a b', '1'),
  'an empty name': (headers) => headers.append('', '1'),
  'a value with a line break': (headers) => headers.append('a', '1\r\nb: 2'),
  'a value with a zero': (headers) => headers.set('a', 'x\0'),
  'a value beyond Latin-1': (headers) => headers.set('a', '…'),
};

function seen(headers: Headers | LightHeaders, work: Work): unknown {
  let told: unknown;
  try {
    told = work(headers);
  } catch (error) {
    told = error instanceof TypeError ? 'TypeError' : error;
  }
  const called: unknown[] = [];
  headers.forEach((value, name) => called.push([name, value]));
  return { told, called, listed: [...headers] };
}

for (const [name, work] of Object.entries(works)) {
  test(`light headers are as Node’s: ${name}`, () => {
    assert.deepEqual(seen(new LightHeaders(), work), seen(new Headers(), work));
  });
}

test('light headers are made of what Node’s are made of', () => {
  const record = { B: '2', a: '1' };
  const list: [string, string][] = [
    ['b', '1'],
    ['a', '2'],
    ['B', '3'],
  ];
  assert.deepEqual([...new LightHeaders(record)], [...new Headers(record)]);
  assert.deepEqual([...new LightHeaders(list)], [...new Headers(list)]);
  assert.deepEqual([...new LightHeaders(new Headers(list))], [...new Headers(new Headers(list))]);
  assert.deepEqual([...new LightHeaders(new LightHeaders(list))], [...new Headers(list)]);
});
