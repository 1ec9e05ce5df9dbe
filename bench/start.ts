import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { berth, compare, type Row, seconds, timed } from './measure.ts';

/** `berth --help` against an empty script on the same Node. */
export async function benchStart(directory: string): Promise<Row[]> {
  const empty = join(directory, 'empty.cjs');
  writeFileSync(empty, '');
  const { ours, theirs } = await compare(
    25,
    () => timed({ program: berth, words: ['--help'] }),
    () => timed({ program: process.execPath, words: [empty] }),
  );
  return [
    {
      work: 'berth --help',
      against: 'an empty Node script',
      berth: seconds(ours),
      peer: seconds(theirs),
      ratio: ours / theirs,
      limit: 2,
    },
  ];
}
