import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseEnvironmentFile } from '../../src/systemd/environment/environment-file.ts';
import { limitCpu } from '../support/limit-cpu.ts';
import { holds } from '../support/property.ts';

const read = (text: string) => Object.fromEntries(parseEnvironmentFile(text));

test('values are bare, quoted, in pieces or continued', () => {
  assert.deepEqual(read(`A=1\n;c\n\nno assignment\nB='a "b"'\nC=a 'b'\n=x\n1A=x\n`), {
    A: '1',
    B: 'a "b"',
    C: "a 'b'",
  });
  assert.deepEqual(read('A="a" \'b\'  c \nB = x\\ \nC=a\\\n  b\n'), {
    A: 'abc',
    B: 'x ',
    C: 'a  b',
  });
  assert.deepEqual(read('A="\\$x \\n \\"\\\\ \\\nz"\nB=\\"q\\"\n# c \\\nC=1\n'), {
    A: '$x \\n "\\ z',
    B: '"q"',
    C: '1',
  });
  assert.deepEqual(read('A="open\nB=1'), { A: 'open\nB=1' });
});

/** A second parser, character by character, with the states that systemd's parser has. */
function byStates(text: string): Record<string, string> {
  const found = new Map<string, string>();
  let state = 'pre-key';
  let key = '';
  let value = '';
  let kept = 0;
  const done = () => {
    const name = key.replace(/[ \t\n\r]+$/, '');
    const end = state === 'value' ? Math.max(kept, value.replace(/[ \t]+$/, '').length) : undefined;
    if (/^[A-Za-z_]\w*$/.test(name)) found.set(name, value.slice(0, end));
    state = 'pre-key';
  };
  for (const c of text) {
    const newline = c === '\n' || c === '\r';
    const blank = newline || c === ' ' || c === '\t';
    if (state === 'pre-key') {
      if (c === '#' || c === ';') state = 'comment';
      else if (!blank) {
        key = c === '=' ? '' : c;
        value = '';
        kept = 0;
        state = c === '=' ? 'pre-value' : 'key';
      }
    } else if (state === 'key') {
      if (newline) state = 'pre-key';
      else if (c === '=') state = 'pre-value';
      else key += c;
    } else if (state === 'pre-value') {
      if (newline) done();
      else if (c === "'") state = 'single';
      else if (c === '"') state = 'double';
      else if (c === '\\') state = 'escape';
      else if (!blank) {
        kept = value.length;
        value += c;
        state = 'value';
      }
    } else if (state === 'value') {
      if (newline) done();
      else if (c === '\\') {
        kept = value.length;
        state = 'escape';
      } else value += c;
    } else if (state === 'escape') {
      if (!newline) value += c;
      kept = value.length;
      state = 'value';
    } else if (state === 'single') {
      if (c === "'") state = 'pre-value';
      else value += c;
    } else if (state === 'double') {
      if (c === '"') state = 'pre-value';
      else if (c === '\\') state = 'double-escape';
      else value += c;
    } else if (state === 'double-escape') {
      state = 'double';
      if ('"\\`$'.includes(c)) value += c;
      else if (c !== '\n') value += `\\${c}`;
    } else if (newline) state = 'pre-key';
  }
  if (state !== 'pre-key' && state !== 'key' && state !== 'comment') done();
  return Object.fromEntries(found);
}

test('any text is read as by a parser with states', () =>
  holds(
    1000,
    fc.property(
      fc.string({
        unit: fc.constantFrom(...'AB1= =="\'\\\n\r\t#;$`xn'.split('')),
        maxLength: 60,
      }),
      (text) => assert.deepEqual(read(text), byStates(text)),
    ),
  ));

test('large files take linear time', (t) => {
  limitCpu(t, 10);
  const line = 'A="a" \'b\' \\\n';
  assert.equal(parseEnvironmentFile(line.repeat(100_000)).size, 1);
  assert.equal(parseEnvironmentFile(`A=${'"'.repeat(1_000_001)}`).size, 1);
  assert.equal(parseEnvironmentFile(' '.repeat(1_000_000)).size, 0);
});
