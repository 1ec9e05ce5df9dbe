import type { ProgressEvent } from '../../lifecycle/events.ts';
import { keyOf, type Progress } from './progress-lines.ts';
import { eventJson } from './shown.ts';

/** The shortest time between two lines about bytes that have come, in milliseconds: ten lines a second. */
const SHORTEST = 100;

type Ending = Extract<ProgressEvent, { event: 'fetched' | 'fetch-failed' | 'fetch-deferred' }>;

function isEnd(event: ProgressEvent): event is Ending {
  return ['fetched', 'fetch-failed', 'fetch-deferred'].includes(event.event);
}

/**
 * Writes each event as a line of JSON. Of bytes that have come, or are unpacked, it writes ten lines a second at most
 * for all images together, and the last of an image before the image is fetched.
 */
export function jsonProgress(write: (text: string) => void): Progress {
  // Progress ends up in journals and logs, so its image names are concealed as in messages.
  const say = (event: ProgressEvent) => write(`${eventJson(event)}\n`);
  const unsaid = new Map<string, ProgressEvent>();
  let timer: NodeJS.Timeout | undefined;
  const take = (key: string) => {
    const event = unsaid.get(key);
    unsaid.delete(key);
    if (event !== undefined) say(event);
  };
  /** Says one, and the next after a pause: first the image that has waited longest. */
  const sayNext = () => {
    timer = undefined;
    const [first] = unsaid.keys();
    if (first === undefined) return;
    take(first);
    timer = setTimeout(sayNext, SHORTEST).unref();
  };
  return {
    report: (event) => {
      if (event.event === 'fetch-progress' || event.event === 'unpack-progress') {
        unsaid.set(`${event.event} ${keyOf(event)}`, event);
        if (timer === undefined) sayNext();
        return;
      }
      if (isEnd(event)) {
        take(`fetch-progress ${keyOf(event)}`);
        take(`unpack-progress ${keyOf(event)}`);
      }
      say(event);
    },
    end: () => clearTimeout(timer),
  };
}
