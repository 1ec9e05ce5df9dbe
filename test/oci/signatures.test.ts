import assert from 'node:assert/strict';
import test from 'node:test';
import { parseSignatures, signaturesText } from '../../src/oci/signatures.ts';

const signature = (length: number) => Buffer.alloc(length, 7);
const parse = (text: string) => parseSignatures(Buffer.from(text));

test('what is too short for a signature is neither written nor read', () => {
  const lengths = [0, 1, 31, 32, 33, 34, 35, 500];
  const kept = [32, 33, 34, 35, 500].map(signature);
  const written = signaturesText(lengths.map(signature));
  assert.deepEqual(parse(written), kept);
  const all = lengths.map((length) => signature(length).toString('base64'));
  assert.equal(written, `${JSON.stringify({ signatures: all.slice(3) })}\n`);
  assert.deepEqual(parse(JSON.stringify({ signatures: all })), kept, 'of an earlier version');
});

test('a file with another text is no file of signatures', () => {
  for (const text of ['%', 'A', 'AAA', 'AA=A', 'AAAA\\n', 'AAAA====']) {
    assert.equal(parse(`{"signatures":["${text}"]}`), undefined, text);
  }
  assert.equal(parse('{"signatures":[1]}'), undefined);
  assert.equal(parse('{"signatures":{}}'), undefined);
});

test('one signature may be as long as a file', () => {
  const text = 'A'.repeat(16_000_000);
  assert.equal(parse(`{"signatures":["${text}"]}`)?.[0]?.length, 12_000_000);
});
