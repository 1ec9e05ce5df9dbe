import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { executable } from '../test/support/installed.ts';
import { berth, compare, type Row, seconds, timed } from './measure.ts';

/** `berth --help`, of the checkout and of the executable, against an empty script on the same Node. */
export async function benchStart(directory: string): Promise<Row[]> {
  const empty = join(directory, 'empty.cjs');
  writeFileSync(empty, '');
  const programs = { 'berth --help': berth, 'dist/berth --help': executable() };
  const rows: Row[] = [];
  for (const [work, program] of Object.entries(programs)) {
    const { ours, theirs } = await compare(
      25,
      () => timed({ program, words: ['--help'] }),
      () => timed({ program: process.execPath, words: [empty] }),
    );
    rows.push({
      work,
      against: 'an empty Node script',
      berth: seconds(ours),
      peer: seconds(theirs),
      ratio: ours / theirs,
      limit: 2,
    });
  }
  return rows;
}
