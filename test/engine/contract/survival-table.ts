import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { TestContext } from 'node:test';
import type { TestedEngine } from './tested-engine.ts';

const page = resolve(import.meta.dirname, '../../../docs/survival.md');

/** If this variable is set, the table is written instead of compared. */
const isToWrite = process.env['BERTH_WRITE_ENGINES'] === '1';

/** The loss that each command caused, by its row. */
type Seen = ReadonlyMap<string, string>;

/**
 * Compares what was seen with the engine's column in docs/survival.md. A version that the page does not
 * have, since Debian forky keeps changing, is not berth's fault: it is reported, and nothing is compared.
 */
export function checkColumn(t: TestContext, tested: TestedEngine, seen: Seen): void {
  const { table, column, version } = tested;
  const title = version === column ? column : `${version} (${column})`;
  const text = readFileSync(page, 'utf8');
  const rows = rowsOf(text, table);
  const [head = []] = rows;
  const index = head.findIndex((cell) => cell === column || cell.endsWith(`(${column})`));
  assert.ok(index > 0, `docs/survival.md has no column for ${column}`);
  if (isToWrite) {
    writeFileSync(page, withRows(text, table, changed(rows, index, title, seen)));
    return;
  }
  if (head[index] !== title) {
    t.diagnostic(`docs/survival.md tells of ${head[index]}, this is ${title}: nothing is compared`);
    return;
  }
  const told = new Map(rows.slice(1).map((row) => [commandOf(row), row[index]]));
  const wrong = [...seen]
    .filter(([row, loss]) => told.get(row) !== loss)
    .map(([row, loss]) => `${row}: the page says ${told.get(row)}, seen was ${loss}`);
  const known = new Set(tested.commands.map(({ row }) => row));
  const stale = [...told.keys()].filter((row) => !known.has(row));
  assert.deepEqual({ wrong, stale }, { wrong: [], stale: [] }, 'BERTH_WRITE_ENGINES=1 rewrites it');
}

/** Checks that the page tells the code by which `berth verify` reports a loss. */
export function assertTold(loss: string, code: string): void {
  const row = `| ${loss} | \`${code}\` |`;
  assert.ok(readFileSync(page, 'utf8').includes(row), `docs/survival.md does not have ${row}`);
}

/** The cells of the table between its markers, header first, without the line below the header. */
function rowsOf(text: string, table: string): readonly (readonly string[])[] {
  const [, , body = ''] = partsOf(text, table);
  const lines = body.trim().split('\n');
  return lines
    .filter((line) => !line.startsWith('|-'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

function changed(
  [head = [], ...rows]: readonly (readonly string[])[],
  index: number,
  title: string,
  seen: Seen,
): readonly (readonly string[])[] {
  const before = new Map(rows.map((row) => [commandOf(row), row]));
  const unknown = head.map(() => '?');
  const body = [...seen].map(([row, loss]) => {
    const told = before.get(row) ?? [`\`${row}\``, ...unknown.slice(1)];
    return told.with(index, loss);
  });
  return [head.with(index, title), ...body];
}

function withRows(text: string, table: string, rows: readonly (readonly string[])[]): string {
  const [start = '', open = '', , close = '', end = ''] = partsOf(text, table);
  const [head = [], ...body] = rows;
  const lines = [head, head.map(() => '---'), ...body].map((row) => `| ${row.join(' | ')} |`);
  const rule = lines.with(1, `|${head.map(() => '---').join('|')}|`);
  return [start, open, `\n${rule.join('\n')}\n`, close, end].join('');
}

/** The text before the table, its two markers with the table between them, and the text after. */
function partsOf(text: string, table: string): readonly string[] {
  const pattern = new RegExp(`^([^]*)(<!-- survival: ${table} -->)([^]*?)(<!-- end -->)([^]*)$`);
  const found = pattern.exec(text);
  assert.ok(found, `docs/survival.md has no table of ${table}`);
  return found.slice(1);
}

function commandOf([cell = '']: readonly string[]): string {
  return cell.replaceAll('`', '');
}
