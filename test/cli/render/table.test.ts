import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import test from 'node:test';
import fc from 'fast-check';
import { imageColumn, remarkColumn } from '../../../src/cli/render/columns.ts';
import type { Column } from '../../../src/cli/render/fit.ts';
import { renderTable } from '../../../src/cli/render/table.ts';
import { holds } from '../../support/property.ts';

const stream = new PassThrough();
const columns: readonly Column[] = [
  imageColumn,
  { header: 'ENGINE' },
  { header: 'UNIT', always: true, cut: 'left' },
  { header: 'PLACE', wide: true },
];
const long = 'registry.example.com/an/organisation/with/a/long/name/app:1.2.3';
const rows = [
  [long, 'podman', 'app.service', '/etc/app'],
  [`quay.io/db@sha256:${'0123456789abcdef'.repeat(4)}`, 'podman', 'db.service', '/etc/db'],
];
const lines = (text: string) => text.trimEnd().split('\n');

test('elsewhere than on a terminal, the columns are always the same, and nothing is shortened', () => {
  assert.deepEqual(lines(renderTable(columns, [rows[0] ?? []], { wide: false, stream })), [
    `IMAGE${' '.repeat(long.length - 5)}  ENGINE  UNIT`,
    `${long}  podman  app.service`,
  ]);
});

test('wide shows every column whole, on a terminal too', () => {
  const [header = '', first = ''] = lines(
    renderTable(columns, rows, { wide: true, width: 40, stream }),
  );
  assert.match(header, /^IMAGE +ENGINE {2}UNIT +PLACE$/);
  assert.match(first, / podman {2}app\.service {2}\/etc\/app$/);
});

test('on a terminal, names lose their beginning, digests their end, and equal columns stand below', () => {
  const text = renderTable(columns, rows, { wide: false, width: 40, stream });
  assert.deepEqual(lines(text), [
    'IMAGE                        UNIT',
    '…with/a/long/name/app:1.2.3  app.service',
    'quay.io/db@0123456789ab      db.service',
    'All rows: ENGINE podman',
  ]);
});

test('a name by digest keeps the end of its name, however narrow the terminal', () => {
  const name = `registry.example.com/acme/database@sha256:${'0123456789abcdef'.repeat(4)}`;
  const shown = (width: number) =>
    lines(renderTable([imageColumn], [[name]], { wide: false, width, stream }))[1];
  assert.equal(shown(80), 'registry.example.com/acme/database@sha256:0123456789ab');
  assert.equal(shown(50), 'registry.example.com/acme/database@0123456789ab');
  assert.equal(shown(30), '…ample.com/acme/database@0123…');
  assert.equal(shown(20), '…acme/database@0123…');
});

test('remarks stand below a table that is too wide, whole', () => {
  const remark = 'the name stays on sha256:0123456789ab for os-a';
  const all = [
    [long, remark],
    ['quay.io/db:1', ''],
  ];
  const table = (width: number) =>
    lines(renderTable([imageColumn, remarkColumn], all, { wide: false, width, stream }));
  assert.deepEqual(table(40), [
    'IMAGE',
    `…${long.slice(-39)}`,
    'quay.io/db:1',
    `${long}: ${remark}`,
  ]);
  assert.equal(table(120)[1], `${long}  ${remark}`);
});

test('each row is one line of the terminal, whatever it says, and no name is cut that need not be', async () => {
  const texts = fc.array(fc.tuple(word(90), word(9), word(60), word(60)), { maxLength: 8 });
  const property = fc.property(texts, fc.integer({ min: 50, max: 200 }), (rows, width) => {
    const [, ...body] = lines(renderTable(columns, rows, { wide: false, width, stream }));
    for (const [index, row] of rows.entries()) {
      const line = body[index] ?? '';
      assert.ok(line.length <= width, `${line.length} of ${width}: ${line}`);
      if (line.includes('…')) assert.ok(longest(body) >= width - 1, line);
      else assert.ok(line.startsWith(row[0]), line);
    }
  });
  await holds(200, property);
});

function word(maxLength: number) {
  return fc.string({ unit: fc.constantFrom('a', '/', ':', '.', '1'), minLength: 1, maxLength });
}

function longest(all: readonly string[]): number {
  return Math.max(...all.map(({ length }) => length));
}

test('a group’s columns stand in its first row', () => {
  const grouped: readonly Column[] = [
    { header: 'ROOT', group: true, always: true },
    { header: 'STATE', group: true, always: true },
    imageColumn,
  ];
  const all = [
    ['a', 'ready', 'x'],
    ['a', 'ready', 'y'],
    ['b', 'ready', 'z'],
  ];
  assert.deepEqual(lines(renderTable(grouped, all, { wide: false, stream })), [
    'ROOT  STATE  IMAGE',
    'a     ready  x',
    '             y',
    'b     ready  z',
  ]);
});
