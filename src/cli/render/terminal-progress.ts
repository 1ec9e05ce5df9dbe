import { formatBytes } from '../../common/format-bytes.ts';
import type { Progress } from './progress-lines.ts';
import { fetchedLine, imageOf, keyOf, lineOf } from './progress-lines.ts';

interface Active {
  readonly image: string;
  readonly total: number;
  readonly startedAt: number;
  bytes: number;
}

const REDRAW_MILLISECONDS = 100;
const BAR_WIDTH = 20;

/** Draws a moving line for each image under way, and leaves a line for each image that is done. */
export function terminalProgress(write: (text: string) => void): Progress {
  const active = new Map<string, Active>();
  let drawn = 0;
  const clear = () => {
    if (drawn > 0) write(`\x1b[${drawn}A\x1b[0J`);
    drawn = 0;
  };
  const draw = () => {
    clear();
    const lines = [...active.values()].map(barOf);
    write(lines.map((line) => `${line}\n`).join(''));
    drawn = lines.length;
  };
  const timer = setInterval(draw, REDRAW_MILLISECONDS).unref();
  const print = (line: string | undefined) => {
    if (line === undefined) return;
    clear();
    write(`${line}\n`);
    draw();
  };
  return {
    report: (event) => {
      if (event.event === 'fetch-started') {
        const { bytes: total } = event;
        active.set(keyOf(event), {
          image: imageOf(event),
          total,
          startedAt: performance.now(),
          bytes: 0,
        });
      } else if (event.event === 'fetch-progress') {
        const fetch = active.get(keyOf(event));
        if (fetch !== undefined) fetch.bytes = event.bytes;
      } else if (event.event === 'fetched' || event.event === 'fetch-failed') {
        const fetch = active.get(keyOf(event));
        active.delete(keyOf(event));
        const elapsed = performance.now() - (fetch?.startedAt ?? 0);
        if (event.event === 'fetched' && fetch !== undefined) {
          print(fetchedLine(event, fetch.total, elapsed));
        } else print(lineOf(event));
      } else print(lineOf(event));
    },
    end: () => {
      clearInterval(timer);
      clear();
    },
  };
}

function barOf({ image: text, total, bytes, startedAt }: Active): string {
  const part = total === 0 ? 0 : Math.min(bytes / total, 1);
  const full = Math.round(part * BAR_WIDTH);
  const bar = '━'.repeat(full) + '╌'.repeat(BAR_WIDTH - full);
  const rate = bytes / Math.max((performance.now() - startedAt) / 1000, 0.001);
  const columns = process.stderr.columns || 80;
  const line = `fetching ${bar} ${formatBytes(bytes)} of ${formatBytes(total)}  ${formatBytes(Math.round(rate))}/s  `;
  // A line that wraps would be erased only in part. Images are cut at the front: their end tells most.
  const room = Math.max(columns - 1 - line.length, 0);
  return (
    line.slice(0, columns - 1) +
    (text.length <= room ? text : `…${text.slice(-room + 1)}`.slice(0, room))
  );
}
