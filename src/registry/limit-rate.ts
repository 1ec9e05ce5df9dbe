import { setTimeout as delay } from 'node:timers/promises';
import type { Registry } from './registry.ts';

export interface RateClock {
  /** In milliseconds, from any moment on. */
  readonly now: () => number;
  readonly wait: (milliseconds: number, signal: AbortSignal | undefined) => Promise<void>;
}

const clock: RateClock = {
  now: () => performance.now(),
  wait: (milliseconds, signal) => delay(milliseconds, undefined, signal && { signal }),
};

/**
 * Downloads through `registry`, all of them together at no more than so many bytes a second. What
 * waits here is not read from its connection, and so holds back the sender; manifests, which are
 * small, don't wait.
 */
export function limitingRate(
  registry: Registry,
  bytesPerSecond: number,
  { now, wait }: RateClock = clock,
): Registry {
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
