import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { commandLines } from '../../src/systemd/command-line.ts';
import { holds } from '../support/property.ts';

const words = (value: string) => commandLines(value)?.map((line) => line.words);

test('prefixes of the program', () => {
  const [line] = commandLines('-:+@!!/usr/bin/podman podman run x') ?? [];
  assert.deepEqual(line, {
    words: ['/usr/bin/podman', 'run', 'x'],
    ignoresFailure: true,
    expandsVariables: false,
    ignoresUser: true,
  });
});

test('quotes, escapes and empty words', () => {
  assert.deepEqual(words(`a "b c" 'd'e "" \\x41\\s f`), [['a', 'b c', 'de', '', 'A ', 'f']]);
  assert.equal(words('a "b'), undefined);
  assert.deepEqual(words('a \\q\\x41'), [['a', '\\qA']]);
  assert.deepEqual(words(''), []);
});

test('a semicolon as a word of its own separates commands', () => {
  assert.deepEqual(words('a b ; -c d ;'), [
    ['a', 'b'],
    ['c', 'd'],
  ]);
  assert.deepEqual(words('a \\; b";" c; ";" d'), [['a', ';', 'b;', 'c;', ';', 'd']]);
});

test('quoted words are read back unchanged', () =>
  holds(
    1000,
    fc.property(
      fc.array(fc.string({ unit: fc.constantFrom(...'ab "\'\\;$%'.split('')) }), { minLength: 1 }),
      (list) => {
        const quoted = list.map((word) => `"${word.replace(/["\\]/g, '\\$&')}"`);
        assert.deepEqual(words(`x ${quoted.join(' ')}`), [['x', ...list]]);
      },
    ),
  ));
