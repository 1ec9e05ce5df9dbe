import { setTimeout as delay } from 'node:timers/promises';
import { BlobProgress } from './blob-progress.ts';
import { PROGRESS } from './circuit-breaker.ts';
import { RegistryError } from './errors.ts';
import { type Registry } from './registry.ts';
import { LONGEST_RETRY_AFTER } from './retry-after.ts';

/** How policy one is with a registry. */
export interface RetryPolicy {
  /** How often one thing is asked for in vain, in a row. */
  readonly attempts: number;
  /** In milliseconds: how long the first wait may be; each may be twice as long as the one before. */
  readonly firstWait: number;
  readonly longestWait: number;
  /** In milliseconds: who asks for more is asked again by a later run. */
  readonly longestRetryAfter: number;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly wait: (milliseconds: number, signal: AbortSignal | undefined) => Promise<void>;
  /** Told before each wait. */
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
 * Asks again where that makes sense: a connection that broke, a registry that is busy or at fault
 * (not one that refuses, nor one that is not there at all). Each wait is of a random length up to
 * a bound that doubles ("full jitter"), so that a thousand hosts don't come back at once; where the
 * registry names a time (`Retry-After`), it is obeyed. A blob goes on where it broke.
 */
export function retrying(registry: Registry, policy: RetryPolicy = retryPolicy): Registry {
  const again = <T>(signal: AbortSignal | undefined, ask: () => Promise<T>) =>
    persist(policy, signal, ask, () => 0);
  return {
    permit: (image, access, options) =>
      again(options?.signal, () => registry.permit(image, access, options)),
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
    quickestReply: (name, access) => registry.quickestReply(name, access),
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

/** @returns undefined if there is no sense in asking again. */
function waitAfter(
  error: RegistryError,
  vain: number,
  { firstWait, longestWait, longestRetryAfter, random }: RetryPolicy,
): number | undefined {
  if (!isPassing(error)) return undefined;
  const jitter = random() * Math.min(longestWait, firstWait * 2 ** (vain - 1));
  const { retryAfter } = error;
  if (retryAfter === undefined) return jitter;
  return retryAfter > longestRetryAfter ? undefined : retryAfter + jitter;
}

function isPassing({ code, cause }: RegistryError): boolean {
  switch (code) {
    case 'connection-lost':
    case 'rate-limited':
    case 'registry-failed':
    case 'short-body':
      return true;
    case 'registry-unreachable':
      return isPassingCause(cause);
    default:
      return false;
  }
}

/** Refused, no such host, a certificate that is not trusted: these stay so. */
function isPassingCause(cause: unknown): boolean {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return ['EAI_AGAIN', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT'].some((passing) => passing === code);
}
