import { counted } from '../../common/counted.ts';
import { formatBytes } from '../../common/format-bytes.ts';
import { type Fetch, type Fetches, followFetches, isOver } from './fetches.ts';
import { fetchedLine, lineOf, type Progress } from './progress-lines.ts';
import { gatherRetries } from './retries.ts';
import { wholeLine } from './whole-line.ts';

/** How often a command that still works says so, in milliseconds. */
const EVERY = 10_000;

/**
 * Prints lines for logs and pipes: one at the start, one when an image is done, and one every ten seconds.
 */
export function plainProgress(write: (text: string) => void): Progress {
  const fetches = followFetches(() => performance.now());
  let timer: NodeJS.Timeout | undefined;
  let isBegun = false;
  const say = (line: string | undefined) => {
    if (line === undefined) return;
    write(`${line}\n`);
    timer?.refresh();
  };
  const tick = () => {
    if (!isOver(fetches.whole())) return say(stillLine(fetches));
    clearInterval(timer);
    timer = undefined;
  };
  const retries = gatherRetries(say);
  return {
    report: (event) => {
      if (event.event === 'retry') return retries.hear(event);
      if (event.event === 'fetch-planned' && isOver(fetches.whole())) isBegun = false;
      const fetch = fetches.hear(event);
      if (event.event === 'fetch-started') {
        if (!isBegun) say(beginning(fetches));
        isBegun = true;
        timer ??= setInterval(tick, EVERY).unref();
      }
      if (event.event !== 'fetched' || fetch === undefined) return say(lineOf(event));
      say(fetchedLine(event, fetch, performance.now() - fetch.startedAt));
    },
    end: () => {
      retries.end();
      clearInterval(timer);
    },
    interrupted: () => {
      if (!isOver(fetches.whole()))
        say(`interrupted: ${wholeLine(fetches.whole())}; what has come stays`);
    },
  };
}

/** `fetching 11 images, 390 MB`, or `unpacking NAME, which is here already`. */
function beginning(fetches: Fetches): string {
  const { images, total } = fetches.whole();
  const [first] = fetches.all();
  const what = images === 1 && first !== undefined ? first.image : counted(images, 'image');
  if (total === 0) return `unpacking ${what}, which ${images === 1 ? 'is' : 'are'} here already`;
  return `fetching ${what}, ${formatBytes(total)}`;
}

/** `working  3 of 11 images, …; downloading NAME; unpacking NAME`, or undefined while all wait. */
function stillLine(fetches: Fetches): string | undefined {
  const busy = [...fetches.all()].filter(isBusy);
  if (busy.length === 0) return undefined;
  const named = busy.slice(0, 2).map((fetch) => `${fetch.state} ${fetch.image}${shareText(fetch)}`);
  const more = busy.length > 2 ? [`${busy.length - 2} more`] : [];
  return [`working  ${wholeLine(fetches.whole())}`, ...named, ...more].join('; ');
}

/** ` (45 MB of 90 MB)` of an image that is being unpacked, if its engine tells. */
function shareText({ state, unpacked }: Fetch): string {
  if (state !== 'unpacking' || unpacked === undefined) return '';
  return ` (${formatBytes(unpacked.bytes)} of ${formatBytes(unpacked.total)})`;
}

function isBusy({ state }: Fetch): boolean {
  return state === 'downloading' || state === 'unpacking' || state === 'pinning';
}
