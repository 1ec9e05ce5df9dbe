import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

/** Between two visits, in milliseconds. */
const PAUSE = 10;

/** For one visit, in milliseconds. */
const PATIENCE = 1000;

export interface Visitor {
  /**
   * Waits until the service answers this.
   *
   * @returns the longest time between two answers until then, in seconds.
   */
  answered(content: string): Promise<number>;
  stop(): void;
}

/** Asks a service again and again, in a process of its own, as one that uses it would. */
export function startVisitor(url: string): Visitor {
  const child = fork(import.meta.filename, [url]);
  const stop = () => child.kill();
  process.once('exit', stop);
  return {
    answered: async (content) => {
      child.send(content);
      const [longest] = (await once(child, 'message')) as [number];
      return longest / 1000;
    },
    stop: () => {
      process.off('exit', stop);
      stop();
    },
  };
}

async function answerOf(url: string): Promise<string | undefined> {
  try {
    const reply = await fetch(url, { signal: AbortSignal.timeout(PATIENCE) });
    return await reply.text();
  } catch {
    return undefined;
  }
}

if (import.meta.main) {
  process.once('disconnect', () => process.exit());
  const [url = ''] = process.argv.slice(2);
  let wanted: string | undefined;
  process.on('message', (content: string) => {
    wanted = content;
  });
  let longest = 0;
  let last: number | undefined;
  for (;;) {
    const answer = await answerOf(url);
    const now = performance.now();
    if (answer !== undefined) {
      longest = Math.max(longest, now - (last ?? now));
      last = now;
    }
    if (answer !== undefined && answer === wanted) {
      process.send?.(longest);
      wanted = undefined;
      longest = 0;
    }
    await delay(PAUSE);
  }
}
