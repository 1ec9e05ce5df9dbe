import assert from 'node:assert/strict';
import test from 'node:test';
import { ChunkLines } from '../../../src/registry/http/chunk-lines.ts';
import { NotHttp } from '../../../src/registry/http/head.ts';

/** Gives a body whole, and in pieces of every length. */
function eachCut(text: string, take: (pieces: readonly Buffer[]) => void): void {
  const bytes = Buffer.from(text, 'latin1');
  for (let length = 1; length <= bytes.length; length += 1) {
    const count = Math.ceil(bytes.length / length);
    take(
      Array.from({ length: count }, (_, i) =>
        bytes.subarray(i * length, Math.min((i + 1) * length, bytes.length)),
      ),
    );
  }
}

const follow = (pieces: readonly Buffer[]) => {
  const lines = new ChunkLines();
  for (const piece of pieces) lines.add(piece);
};

test('chunks are followed to their end, whatever is in them', () => {
  for (const text of [
    '0\r\n\r\n',
    '5\r\n0\n\n0\n\r\n0\r\n\r\n',
    '5;a="0"\n0\n\n0\n\r\nA \t\r\n0123456789\r\n000\r\nX: 0\r\n\r\n',
    '3\nabc\n0\r\n\r\n',
    '3\nabc\n0\n\r\n',
    '3\nabc\n0\r\n\n',
    'x\n0\n\n',
    `${'0'.repeat(5000)}\n\n`,
  ]) {
    eachCut(text, follow);
  }
});

test('chunks whose last lines end in a bare LF are refused as soon as these are there', () => {
  for (const text of ['0\n\n', '3\nabc\n0\n\n', 'a\r\n0\n\n4567890\r\n00;x\n\n']) {
    eachCut(text, (pieces) => assert.throws(() => follow(pieces), NotHttp));
    assert.doesNotThrow(() => follow([Buffer.from(text.slice(0, -1))]));
  }
});
