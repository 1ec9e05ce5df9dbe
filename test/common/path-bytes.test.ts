import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  displayPath,
  isPossiblePath,
  nameFromBytes,
  nameToBytes,
} from '../../src/common/path-bytes.ts';
import { holds } from '../support/property.ts';

/** Bytes that look like UTF-8 and are not, far more often than chance makes them. */
const nearlyUtf8 = fc
  .array(
    fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 4 }),
      fc.string({ unit: 'binary', minLength: 1 }).map((text) => Buffer.from(text)),
      fc
        .constantFrom('c0af', 'eda080', 'edb2ff', 'f4908080', 'f09f98', 'ff', 'efbbbf')
        .map(fromHex),
    ),
    { maxLength: 12 },
  )
  .map((pieces) => Buffer.concat(pieces));

test('every name survives the round trip and is possible', () =>
  holds(
    2_000,
    fc.property(nearlyUtf8, (bytes) => {
      const name = nameFromBytes(bytes);
      assert.deepEqual(nameToBytes(name), bytes);
      assert.equal(isPossiblePath(name), !bytes.includes(0));
    }),
  ));

test('UTF-8 comes as it is', () =>
  holds(
    500,
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.equal(nameFromBytes(Buffer.from(text)), text);
      assert.equal(nameToBytes(text).toString(), text);
      const spoilt = Buffer.concat([Buffer.from(text), Buffer.from([0xff])]);
      assert.equal(nameFromBytes(spoilt), `${text}\udcff`);
    }),
  ));

test('each byte that is not UTF-8 is a surrogate of its own, as in PEP 383', () => {
  assert.equal(nameFromBytes(fromHex('61ffc3a9c3')), 'a\udcffé\udcc3');
  // U+D800 written as UTF-8 is none.
  assert.equal(nameFromBytes(fromHex('eda080')), '\udced\udca0\udc80');
  assert.equal(nameFromBytes(fromHex('f09f9880ff')), '😀\udcff');
});

test('a surrogate that stands for no byte is no name', () => {
  for (const name of ['\ud83d', 'a\udc7f', '\udd00', '\udc80\ud800']) {
    assert.equal(isPossiblePath(name), false);
    assert.throws(() => nameToBytes(name), RangeError);
  }
});

test('shown paths contain no control characters', () =>
  holds(
    1_000,
    fc.property(fc.string({ unit: 'binary' }), nearlyUtf8, (text, bytes) => {
      const shown = displayPath(text + nameFromBytes(bytes));
      assert.doesNotMatch(shown, /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
    }),
  ));

test('shown paths have each escaped byte', () => {
  assert.equal(displayPath('/etc/\udcff\udc80.container'), '/etc/\\xff\\x80.container');
  assert.equal(displayPath('/a\nb\u001b[31m'), '/a\\x0ab\\x1b[31m');
  assert.equal(displayPath('/a\u202egnp'), '/a\\xe2\\x80\\xaegnp');
  assert.equal(displayPath('/naïve/dev\\x2ddisk 😀'), '/naïve/dev\\x2ddisk 😀');
  assert.equal(displayPath('\ud800'), '\\ud800');
});

function fromHex(hex: string): Buffer {
  return Buffer.from(hex, 'hex');
}
