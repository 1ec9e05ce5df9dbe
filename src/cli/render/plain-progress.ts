import type { Progress } from './progress-lines.ts';
import { fetchedLine, keyOf, lineOf } from './progress-lines.ts';

/** Prints a line when an image is done: for logs and pipes. */
export function plainProgress(write: (text: string) => void): Progress {
  const started = new Map<string, { at: number; bytes: number }>();
  return {
    report: (event) => {
      if (event.event === 'fetch-started') {
        started.set(keyOf(event), { at: performance.now(), bytes: event.bytes });
      }
      const fetch = event.event === 'fetched' ? started.get(keyOf(event)) : undefined;
      const line =
        fetch !== undefined && event.event === 'fetched'
          ? fetchedLine(event, fetch.bytes, performance.now() - fetch.at)
          : lineOf(event);
      if (line !== undefined) write(`${line}\n`);
    },
    end: () => undefined,
  };
}
