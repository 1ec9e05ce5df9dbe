import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { splitWords } from '../../src/systemd/words.ts';
import { holds } from '../support/property.ts';

const command = { escapes: true, relaxed: true };
const strict = { escapes: true, relaxed: false };
const plain = { escapes: false, relaxed: false };

test('words end at blanks, except inside quotes', () => {
  assert.deepEqual(splitWords(' a  b\tc ', command), ['a', 'b', 'c']);
  assert.deepEqual(splitWords(`--x="a b" 'c d' e"f"g`, command), ['--x=a b', 'c d', 'efg']);
  assert.deepEqual(splitWords(`"it's" 'say "x"'`, command), ["it's", 'say "x"']);
  assert.deepEqual(splitWords('', command), []);
});

test('C escapes stand for characters, if escapes are enabled', () => {
  assert.deepEqual(splitWords('a\\x20b \\101 \\u00e9 \\U0001F600 \\s\\t', command), [
    'a b',
    'A',
    'é',
    '😀',
    ' \t',
  ]);
  assert.deepEqual(splitWords('a\\x20b "c\\"', plain), ['a\\x20b', 'c\\']);
});

test('an unknown escape makes the whole value invalid', () => {
  for (const bad of ['\\q', '\\x0', '\\x00', '\\400', '\\U00110000', '\\u12']) {
    assert.equal(splitWords(`a ${bad}`, command), undefined, bad);
  }
});

test('an unfinished quote or escape is an error unless relaxed', () => {
  assert.equal(splitWords('a "b c', strict), undefined);
  assert.deepEqual(splitWords('a "b c', command), ['a', 'b c']);
  assert.equal(splitWords('a\\', strict), undefined);
  assert.deepEqual(splitWords('a\\', command), ['a']);
});

test('an empty word ends the list, and so does a NUL', () => {
  assert.deepEqual(splitWords('a "" b', command), ['a']);
  assert.deepEqual(splitWords('a b\0c d', command), ['a', 'b']);
});

test('any text is split into words or refused', async () => {
  await holds(
    500,
    fc.property(fc.string(), fc.boolean(), fc.boolean(), (text, escapes, relaxed) => {
      const words = splitWords(text, { escapes, relaxed });
      return words === undefined || words.every((word) => word !== '');
    }),
  );
});

test('words without special characters stay as they are', async () => {
  const word = fc.stringMatching(/^[A-Za-z0-9=:/.@-]{1,12}$/);
  await holds(
    500,
    fc.property(fc.array(word), (words) => {
      assert.deepEqual(splitWords(words.join(' '), command), words);
    }),
  );
});
