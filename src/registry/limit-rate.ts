import { setTimeout as delay } from 'node:timers/promises';
import type { Registry } from './registry.ts';

export interface RateClock {
  /** In milliseconds, from any starting point. */
  readonly now: () => number;
  readonly wait: (milliseconds: number, signal: AbortSignal | undefined) => Promise<void>;
}

const clock: RateClock = {
  now: () => performance.now(),
  wait: (milliseconds, signal) => delay(milliseconds, undefined, signal && { signal }),
};

/**
 * Downloads through `registry`, with all downloads together at no more than this many bytes a second. A
 * download that waits here does not read its connection, which slows the sender down; manifests, which are
 * small, don't wait.
 */
export function limitingRate<R extends Registry>(
  registry: R,
  bytesPerSecond: number,
  { now, wait }: RateClock = clock,
): R {
  let freeAt = Number.NEGATIVE_INFINITY;
  const turn = async (bytes: number, signal: AbortSignal | undefined) => {
    const asked = now();
    const begin = Math.max(freeAt, asked);
    freeAt = begin + (bytes / bytesPerSecond) * 1000;
    if (begin > asked) await wait(begin - asked, signal);
  };
  return {
    ...registry,
    download: (name, blob, access, into, watch = {}) => {
      const received = (bytes: number) => turn(bytes, watch.signal);
      return registry.download(name, blob, access, { ...into, received }, watch);
    },
  };
}
