import type { Wake } from '../../engine/wake.ts';

/** The wakes of one engine, for one caller of `next`. Wakes between two calls count as one. */
export interface Wakeups {
  readonly wake: (why: Wake) => void;
  /**
   * Waits until there was a wake since the last call.
   *
   * @returns `listening` if any of the wakes was, because losses before it may be unknown.
   * @throws the reason of the signal.
   */
  readonly next: (signal: AbortSignal) => Promise<Wake>;
}

export function wakeups(): Wakeups {
  let why: Wake | undefined;
  let waiting = Promise.withResolvers<void>();
  return {
    wake: (wake) => {
      if (why !== 'listening') why = wake;
      waiting.resolve();
    },
    next: async (signal) => {
      signal.throwIfAborted();
      const stop = () => waiting.reject(signal.reason);
      signal.addEventListener('abort', stop, { once: true });
      try {
        await waiting.promise;
      } finally {
        signal.removeEventListener('abort', stop);
      }
      waiting = Promise.withResolvers();
      const woken = why ?? 'lost';
      why = undefined;
      return woken;
    },
  };
}
