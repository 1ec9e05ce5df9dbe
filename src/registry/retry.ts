import { setTimeout as delay } from 'node:timers/promises';
import { BlobProgress } from './blob-progress.ts';
import { PROGRESS } from './circuit-breaker.ts';
import { RegistryError } from './errors.ts';
import { isPassing } from './passing.ts';
import { type Registry } from './registry.ts';
import { LONGEST_RETRY_AFTER } from './retry-after.ts';

/** How often and when a registry is asked again. */
export interface RetryPolicy {
  /** How often in a row one request may fail. */
  readonly attempts: number;
  /** In milliseconds: the longest first wait; the limit doubles with each further wait. */
  readonly firstWait: number;
  readonly longestWait: number;
  /** In milliseconds: a registry that asks for a longer wait is asked again by a later run. */
  readonly longestRetryAfter: number;
  /** A random number from 0 to below 1. */
  readonly random: () => number;
  readonly wait: (milliseconds: number, signal: AbortSignal | undefined) => Promise<void>;
  /** Called before each wait. */
  readonly onRetry: (error: RegistryError, milliseconds: number) => void;
}

export const retryPolicy: RetryPolicy = {
  attempts: 5,
  firstWait: 1000,
  longestWait: 20_000,
  longestRetryAfter: LONGEST_RETRY_AFTER,
  random: Math.random,
  wait: async (milliseconds, signal) => {
    try {
      await delay(milliseconds, undefined, signal && { signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
  onRetry: () => undefined,
};

/**
 * Asks again after a temporary failure: a broken connection, a busy or failing registry. A registry that
 * refuses, or that can't be reached at all, is not asked again. Each wait has a random length up to a limit
 * that doubles ("full jitter"), so that a thousand hosts don't return at once; a registry's `Retry-After`
 * is obeyed. A blob continues where its download broke off.
 */
export function retrying(registry: Registry, policy: RetryPolicy = retryPolicy): Registry {
  const again = <T>(signal: AbortSignal | undefined, ask: () => Promise<T>) =>
    persist(policy, signal, ask, () => 0);
  return {
    permit: (image, access, options) =>
      again(options?.signal, () => registry.permit(image, access, options)),
    signatures: (image, access, signal) =>
      again(signal, () => registry.signatures(image, access, signal)),
    foresee: (name, judge) => registry.foresee(name, judge),
    resolve: (name, platform, access, signal) =>
      again(signal, () => registry.resolve(name, platform, access, signal)),
    resolveAll: (name, access, signal) =>
      again(signal, () => registry.resolveAll(name, access, signal)),
    manifest: (name, digest, access, signal) =>
      again(signal, () => registry.manifest(name, digest, access, signal)),
    download: (name, blob, access, into, watch = {}) => {
      const { progress = new BlobProgress() } = watch;
      const ask = () => registry.download(name, blob, access, into, { ...watch, progress });
      return persist(policy, watch.signal, ask, () => progress.length);
    },
    credentials: (name, access) => registry.credentials(name, access),
    quickestReply: (name, access) => registry.quickestReply(name, access),
    isLimited: (name, access) => registry.isLimited(name, access),
    close: () => registry.close(),
  };
}

async function persist<T>(
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
  ask: () => Promise<T>,
  length: () => number,
): Promise<T> {
  for (let vain = 1, before = length(); ; vain += 1) {
    try {
      return await ask();
    } catch (error) {
      signal?.throwIfAborted();
      if (length() - before >= PROGRESS) vain = 1;
      before = length();
      if (!(error instanceof RegistryError) || vain >= policy.attempts) throw error;
      const milliseconds = waitAfter(error, vain, policy);
      if (milliseconds === undefined) throw error;
      policy.onRetry(error, milliseconds);
      await policy.wait(milliseconds, signal);
    }
  }
}

/**
 * The wait before the next attempt, in milliseconds.
 *
 * @returns undefined if asking again makes no sense.
 */
function waitAfter(
  failure: RegistryError,
  vain: number,
  { firstWait, longestWait, longestRetryAfter, random }: RetryPolicy,
): number | undefined {
  const error = failure.passing ?? failure;
  if (!isPassing(error)) return undefined;
  const jitter = random() * Math.min(longestWait, firstWait * 2 ** (vain - 1));
  const { retryAfter } = error;
  if (retryAfter === undefined) return jitter;
  return retryAfter > longestRetryAfter ? undefined : retryAfter + jitter;
}
