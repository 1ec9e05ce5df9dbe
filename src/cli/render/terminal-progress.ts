import { formatBytes } from '../../common/format-bytes.ts';
import type { Unpacked } from '../../engine/fetch-watch.ts';
import { type Fetch, followFetches } from './fetches.ts';
import { fetchedLine, lineOf, type Progress } from './progress-lines.ts';
import { gatherRetries } from './retries.ts';
import { wholeLine } from './whole-line.ts';

const REDRAW_MILLISECONDS = 100;
const TURNING = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

interface Size {
  readonly columns: number;
  readonly rows: number;
}

/**
 * Draws a line for the whole, and a moving line for each image under way; leaves a line for each image that
 * is done.
 */
export function terminalProgress(write: (text: string) => void): Progress {
  const fetches = followFetches(() => performance.now());
  let drawn: readonly string[] = [];
  const clear = () => {
    // A terminal that has become narrower since has wrapped what was drawn.
    const { columns } = sizeOfTerminal();
    const lines = drawn.reduce(
      (sum, { length }) => sum + Math.max(1, Math.ceil(length / columns)),
      0,
    );
    if (lines > 0) write(`\x1b[${lines}A\x1b[0J`);
    drawn = [];
  };
  const draw = () => {
    clear();
    drawn = picture([...fetches.all()], wholeLine(fetches.whole()), sizeOfTerminal());
    write(drawn.map((line) => `${line}\n`).join(''));
  };
  const timer = setInterval(draw, REDRAW_MILLISECONDS).unref();
  const print = (line: string) => {
    clear();
    write(`${line}\n`);
    draw();
  };
  const retries = gatherRetries(print);
  return {
    report: (event) => {
      if (event.event === 'retry') return retries.hear(event);
      const fetch = fetches.hear(event);
      const line =
        event.event === 'fetched' && fetch !== undefined
          ? fetchedLine(event, fetch, performance.now() - fetch.startedAt)
          : lineOf(event);
      if (line !== undefined) print(line);
    },
    end: () => {
      retries.end();
      clearInterval(timer);
      clear();
    },
    interrupted: () => {
      const isBusy = drawn.length > 0;
      clear();
      if (isBusy) write(`interrupted: ${wholeLine(fetches.whole())}; what has come stays\n`);
    },
  };
}

function sizeOfTerminal(): Size {
  const { columns, rows } = process.stderr;
  return { columns: columns || 80, rows: rows || 24 };
}

/** The lines that move: as many images as the terminal has room for, those under way first. */
export function picture(
  fetches: readonly Fetch[],
  whole: string,
  { columns, rows }: Size,
): readonly string[] {
  const busy = fetches.filter(({ state }) => moving.has(state));
  const waiting = fetches.filter(({ state }) => state === 'waiting');
  if (busy.length + waiting.length === 0) return [];
  // The line of the whole, the line for those that have no room, and the line of the cursor.
  const room = Math.max(1, rows - 3);
  const all = [...busy, ...waiting];
  const lines = all.slice(0, room).map((fetch) => lineFor(fetch, columns));
  const rest = all.length - lines.length;
  const more = rest > 0 ? [cut(`and ${rest} more`, columns)] : [];
  // What has left the screen at its top can't be erased.
  return [fitted(whole, columns), ...lines, ...more].slice(0, rows - 1);
}

const moving: ReadonlySet<Fetch['state']> = new Set(['downloading', 'unpacking', 'pinning']);

function lineFor(fetch: Fetch, columns: number): string {
  const { image, state } = fetch;
  const start = `${signOf(state)} ${state.padEnd(11)} `;
  const share = shareOf(fetch);
  if (share === undefined) return withImage(start, image, columns);
  const { bytes, total } = share;
  const text = `${formatBytes(bytes)} of ${formatBytes(total)}`.padEnd(20);
  const bar = barOf(total === 0 ? 0 : Math.min(1, bytes / total), barWidth(columns));
  return withImage(`${start}${bar}${text}  `, image, columns);
}

/** How far the download is, or the engine with unpacking, if it tells. */
function shareOf({ state, bytes, total, unpacked }: Fetch): Unpacked | undefined {
  if (state === 'downloading') return { bytes, total };
  return state === 'unpacking' ? unpacked : undefined;
}

/** On a narrow terminal the bar makes room for the names. */
function barWidth(columns: number): number {
  if (columns < 70) return 0;
  return columns < 100 ? 12 : 20;
}

function barOf(part: number, width: number): string {
  const full = Math.round(part * width);
  return width === 0 ? '' : `${'━'.repeat(full)}${'╌'.repeat(width - full)} `;
}

function signOf(state: Fetch['state']): string {
  if (state === 'waiting' || state === 'downloading') return ' ';
  return TURNING[Math.floor(performance.now() / REDRAW_MILLISECONDS) % TURNING.length] ?? '';
}

/** A line that does not wrap, since that would be erased only in part. Images are cut at the front. */
function withImage(text: string, image: string, columns: number): string {
  const room = Math.max(columns - 1 - text.length, 2);
  return cut(text + (image.length <= room ? image : `…${image.slice(1 - room)}`), columns);
}

/** As much of the line of the whole as there is room for: its last parts are left out, not cut. */
function fitted(whole: string, columns: number): string {
  const end = whole.lastIndexOf(', ', columns - 1);
  return whole.length < columns || end < 0 ? cut(whole, columns) : whole.slice(0, end);
}

function cut(text: string, columns: number): string {
  return text.slice(0, columns - 1);
}
