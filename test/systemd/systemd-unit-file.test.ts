import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseSystemdUnit } from '../../src/systemd/systemd-unit-file.ts';
import { limitCpu } from '../support/limit-cpu.ts';
import { holds } from '../support/property.ts';

const parse = (text: string) =>
  parseSystemdUnit(text, '/a.service', (_, key) => key !== '' && key !== '[');
const values = (text: string) =>
  parse(text).entries.map(({ group, key, value, line }) => `${line} [${group}] ${key}=${value}`);

test('assignments with their sections and lines', () => {
  assert.deepEqual(values('[Unit]\nA=1\n\n# x\n ; y\n  B = 2 \t\n[Service]\nA==\n'), [
    '2 [Unit] A=1',
    '6 [Unit] B=2',
    '8 [Service] A==',
  ]);
});

test('a backslash joins with a blank, comments and empty lines within are skipped', () => {
  assert.deepEqual(values('[Unit]\nA=1\\\n# no\n\n ;no\n  2 \\\n3\nB=4'), [
    '2 [Unit] A=1   2  3',
    '8 [Unit] B=4',
  ]);
});

test('two backslashes at the end, or a blank after one, continue nothing', () => {
  assert.deepEqual(values('[U]\nA=x\\\\\nB=y\\ \nC=z'), [
    '2 [U] A=x\\\\',
    '3 [U] B=y\\',
    '4 [U] C=z',
  ]);
});

test('a continued line at the end of the file counts', () => {
  assert.deepEqual(values('[U]\nA=x\\'), ['2 [U] A=x']);
  assert.deepEqual(values('[U]\nA=x\\\n'), ['2 [U] A=x']);
  assert.deepEqual(values('[U]\nA=x\\\n# no'), ['2 [U] A=x']);
});

test('invalid lines are ignored', () => {
  assert.deepEqual(values('A=0\n[U]\nnothing\n=1\nA=2\n'), ['5 [U] A=2']);
});

test('a broken section header stops the parser', () => {
  const { entries, fault } = parse('[U]\nA=1\n[Broken\nB=2\n');
  assert.deepEqual([entries.length, fault?.line], [1, 3]);
  assert.equal(parse('[a]b\n').fault?.line, 1);
  assert.equal(parse('[a\tb]\n').fault?.line, 1);
});

test('a byte order mark, carriage returns and NUL are accepted', () => {
  assert.deepEqual(values('\uFEFF[U]\r\nA=1\r\nB=2\0C=3'), ['2 [U] A=1', '3 [U] B=2', '4 [U] C=3']);
});

test('only wanted assignments are kept', () => {
  const { entries } = parseSystemdUnit('[U]\nA=1\nB=2\n', '/a', (_, key) => key === 'B');
  assert.deepEqual(
    entries.map(({ key }) => key),
    ['B'],
  );
});

test('any text is read, and valid assignments are read back unchanged', async () => {
  const piece = fc.constantFrom('[U]', '[', ']', '\\', '\n', '=', 'A', ' ', '#', '\r', '\0', 'é');
  await holds(
    300,
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      const text = pieces.join('');
      for (const { line, key } of parse(text).entries) {
        assert.ok(line >= 1 && line <= text.length + 1);
        assert.equal(key, key.trim());
      }
    }),
  );
  const word = fc.stringMatching(/^[a-zA-Z0-9.@-]{1,8}$/);
  await holds(
    200,
    fc.property(fc.array(fc.tuple(word, word)), (pairs) => {
      const text = `[U]\n${pairs.map(([key, value]) => `${key} =\\\n;x\n ${value}\n`).join('')}`;
      assert.deepEqual(
        parse(text).entries.map(({ key, value }) => [key, value]),
        pairs,
      );
    }),
  );
});

test('a file of 100,000 continued lines takes linear time', (t) => {
  limitCpu(t, 10);
  const { entries } = parse(`[U]\nA=${'x \\\n'.repeat(100_000)}y\n`);
  assert.equal(entries.length, 1);
  parse('\\\n'.repeat(100_000));
  parse('\\'.repeat(1_000_000));
});
