import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { flag, list, scalar } from '../../src/systemd/lookup.ts';
import { parseQuadletUnit, type UnitEntry } from '../../src/systemd/unit-file.ts';
import { holds } from '../support/property.ts';

function entriesOf(text: string): readonly UnitEntry[] {
  const parsed = parseQuadletUnit(text, '/a.container', () => true);
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.message);
  return parsed.entries;
}

function written(text: string): string[] {
  return entriesOf(text).map(({ group, key, value, line }) => `${line} ${group}.${key}=${value}`);
}

function failureLine(text: string): number | undefined {
  const parsed = parseQuadletUnit(text, '/a.container', () => true);
  return parsed.ok ? undefined : parsed.line;
}

test('lines, keys and values are trimmed', () => {
  assert.deepEqual(written('  [Container] \t\n\t Image \t = \t q.io/a \r\n'), [
    '2 Container.Image=q.io/a',
  ]);
  assert.deepEqual(written('[Container]\nImage=q.io/a\u00a0\u2003\n'), [
    '2 Container.Image=q.io/a',
  ]);
});

test('comments begin with # or ;, which are plain text within a value', () => {
  assert.deepEqual(written('# c\n; c\n[Container]\n #Image=a\n;Image=b\nImage=c#d;e\n'), [
    '6 Container.Image=c#d;e',
  ]);
});

test('a backslash joins lines with nothing between them, and the line of the key counts', () => {
  assert.deepEqual(written('[Container]\nImage=q.io/a\\\n   :1\nPull=never\n'), [
    '2 Container.Image=q.io/a:1',
    '4 Container.Pull=never',
  ]);
  assert.deepEqual(written('[Container]\nExec=a \\\n  b \\\n  c\n'), ['2 Container.Exec=a b c']);
});

test('blank lines and comments inside a continuation are skipped', () => {
  assert.deepEqual(written('[Container]\nImage=q.io/a\\\n# c \\\n\n; d\n:1\n'), [
    '2 Container.Image=q.io/a:1',
  ]);
});

test('a continued line that no further line completes is dropped', () => {
  assert.deepEqual(written('[Container]\nPull=never\nImage=q.io/a\\\n\n'), [
    '2 Container.Pull=never',
  ]);
  assert.deepEqual(written('[Container]\nImage=q.io/a\\\n# end\n'), []);
});

test('a backslash on the last line is dropped, but the line counts', () => {
  assert.deepEqual(written('[Container]\nImage=q.io/a\\\n'), ['2 Container.Image=q.io/a']);
  assert.deepEqual(written('[Container]\nImage=q.io/a\\'), ['2 Container.Image=q.io/a']);
});

test('a lone backslash begins no continuation', () => {
  assert.deepEqual(written('[Container]\n\\\nImage=q.io/a\n'), ['3 Container.Image=q.io/a']);
  assert.deepEqual(written('[Container]\n\\\n# c\nImage=q.io/a\n'), ['4 Container.Image=q.io/a']);
});

test('sections of one name are merged, and the last value of a scalar counts', () => {
  const entries = entriesOf('[Container]\nImage=a\n[Unit]\nImage=u\n[Container]\nImage=b\n');
  assert.equal(scalar(entries, 'Container', 'Image')?.value, 'b');
  assert.equal(scalar(entries, 'Container', 'Image')?.line, 6);
  assert.equal(scalar(entries, 'Container', 'Pull'), undefined);
});

test('only one outer pair of double quotes is stripped', () => {
  const value = (text: string) => scalar(entriesOf(`[C]\nk=${text}\n`), 'C', 'k')?.value;
  assert.equal(value('"a b"'), 'a b');
  assert.equal(value('""a""'), '"a"');
  assert.equal(value('"a'), '"a');
  assert.equal(value('"'), '"');
  assert.equal(value("'a'"), "'a'");
  assert.equal(value('"" \\'), '');
});

test('an empty assignment resets a list and empties a scalar', () => {
  const entries = entriesOf('[C]\nk=a\nk=b\nk=\nk=c\nk=d\n');
  assert.deepEqual(
    list(entries, 'C', 'k').map((entry) => entry.value),
    ['c', 'd'],
  );
  assert.equal(scalar(entriesOf('[C]\nk=a\nk=\n'), 'C', 'k')?.value, '');
});

test('any value but yes means no', () => {
  const value = (text: string) => flag(entriesOf(`[C]\nk=${text}\n`), 'C', 'k');
  for (const yes of ['1', 'yes', 'TRUE', 'On', '"true"']) assert.equal(value(yes), true, yes);
  for (const no of ['0', 'no', 'maybe', '', 'y']) assert.equal(value(no), false, no);
  assert.equal(flag([], 'C', 'k'), undefined);
});

test('one invalid line makes the whole file invalid and is reported', () => {
  assert.equal(failureLine('[Container]\nImage\n'), 2);
  assert.equal(failureLine('Image=a\n'), 1);
  assert.equal(failureLine('[Container]\n=a\n'), 2);
  assert.equal(failureLine('[]\n'), 1);
  assert.equal(failureLine('[a[b]\n'), 1);
  assert.equal(failureLine('[Container] x\n'), 1);
  assert.equal(failureLine('\ufeff[Container]\nImage=a\n'), 1);
  assert.equal(failureLine('[Container]\nImage=a\n\nfoo\\\nbar\n'), 4);
});

test('a bracket before an equals sign is part of the key', () => {
  assert.deepEqual(written('[C]\n[D]x=1\n'), ['2 C.[D]x=1']);
});

test('unwanted assignments are dropped, but the file does not count as empty', () => {
  const parsed = parseQuadletUnit('[A]\nx=1\n[B]\nx=2\n', '/a', (group) => group === 'B');
  assert.ok(parsed.ok);
  assert.deepEqual(
    parsed.entries.map((entry) => entry.value),
    ['2'],
  );
  const none = parseQuadletUnit('[A]\nx=1\n', '/a', () => false);
  assert.ok(none.ok && !none.empty && none.entries.length === 0);
  const empty = parseQuadletUnit('# nothing\n[A]\n', '/a', () => true);
  assert.ok(empty.ok && empty.empty);
});

test('any text is read or refused, and each entry has its line', async () => {
  const line = fc.oneof(
    fc.string(),
    fc.constantFrom('[A]', '[B]', 'k=v', 'k = v\\', '\\', '#c', ';c', '', '  ', '=', '[', 'a\\'),
  );
  const text = fc.array(line, { maxLength: 30 }).map((lines) => lines.join('\n'));
  await holds(
    500,
    fc.property(text, (unit) => {
      const parsed = parseQuadletUnit(unit, '/a', () => true);
      const lines = unit.split('\n');
      if (!parsed.ok) return parsed.line >= 1 && parsed.line <= lines.length;
      return parsed.entries.every(({ key, line: number }) =>
        key.startsWith((lines[number - 1] ?? '').trim().replace(/\\$/, '').slice(0, 1)),
      );
    }),
  );
});

test('a mebibyte of any text takes linear time', () => {
  // Each of these would take minutes if any step were quadratic.
  const size = 1024 * 1024;
  for (const piece of ['a\\\n', 'a=\n', '[A]\n', '\\\n', '#\n', ' \t', '[', '"', 'a=\\\n#\n']) {
    parseQuadletUnit(`[C]\n${piece.repeat(size / piece.length)}`, '/a', () => true);
  }
});
