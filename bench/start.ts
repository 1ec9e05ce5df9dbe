import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { container, writeRoot } from '../test/support/berth.ts';
import { executable } from '../test/support/installed.ts';
import { berth, inTurns, type Row, seconds, timed } from './measure.ts';

const RUNS = 25;
const LIMIT = 1.25;

/**
 * `berth --help` and `berth images` of a small root, of the checkout and of the executable, against an empty script
 * on the same Node.
 */
export async function benchStart(directory: string): Promise<Row[]> {
  const empty = join(directory, 'empty.cjs');
  writeFileSync(empty, '');
  const small = join(directory, 'start');
  mkdirSync(small);
  const units = Array.from({ length: 20 }, (_, i) => container(`app${i}`, `example.com/app${i}:1`));
  const root = writeRoot(small, Object.assign({}, ...units));
  const works = {
    '--help': ['--help'],
    'images of 20 units': ['images', '--format', 'json', root],
  };
  const commands = Object.entries({ berth, 'dist/berth': executable() }).flatMap(
    ([name, program]) =>
      Object.entries(works).map(([work, words]) => ({ work: `${name} ${work}`, program, words })),
  );
  const [theirs = Number.NaN, ...ours] = await inTurns(RUNS, [
    () => timed({ program: process.execPath, words: [empty] }),
    ...commands.map((command) => () => timed(command)),
  ]);
  return commands.map(({ work }, index) => {
    const own = ours[index] ?? Number.NaN;
    return {
      work,
      against: 'an empty Node script',
      berth: seconds(own),
      peer: seconds(theirs),
      ratio: own / theirs,
      limit: LIMIT,
    };
  });
}
