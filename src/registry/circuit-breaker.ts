import type { Endpoint } from './endpoint.ts';
import { RegistryError, type RegistryErrorOptions } from './errors.ts';
import { Stalled } from './http/body.ts';
import { NoneReached } from './http/dial.ts';
import { LONGEST_REST, LONGEST_RETRY_AFTER, pointInTime, restUntil } from './retry-after.ts';

/** In bytes: an attempt that brought at least this much more of a blob was not in vain. */
export const PROGRESS = 1024 * 1024;

/** The number of times in a row that a host may be silent before it is not asked any more. */
const MAX_SILENCES = 3;

/** In milliseconds: a host that was silent for this long in all is not asked any more either. */
const LONGEST_SILENCE = 180_000;

/** When each host may be asked again, by its own `Retry-After`, in milliseconds since 1970. */
export type RetryTimes = Map<string, number>;

/** How silent a host was, without an answer in between. */
interface Silence {
  readonly times: number;
  readonly milliseconds: number;
  readonly error: RegistryError;
}

/** The error for a host that was not asked because its answer is known. */
export class LeftAlone extends RegistryError {}

/** Whether the error means that a host was silent: it sent nothing, or next to nothing. */
export function isSilence({ code, cause }: RegistryError): boolean {
  return code !== 'too-slow' && stallsIn(cause).length > 0;
}

function stallsIn(cause: unknown): readonly Stalled[] {
  // The error of a proxy wraps that of the connection.
  const found = cause instanceof Error && cause.cause !== undefined ? cause.cause : cause;
  const causes = found instanceof NoneReached ? found.errors : [found];
  return causes.filter((one): one is Stalled => one instanceof Stalled && one.total < PROGRESS);
}

/** Whether the error means that a host was silent for so long that it is not asked again in the same run. */
export function isLongSilence(error: RegistryError): boolean {
  return silenceOf(error) >= LONGEST_SILENCE;
}

/** For how long a host had sent nothing at all before the error, in milliseconds. */
function silenceOf({ cause }: RegistryError): number {
  const silent = stallsIn(cause).filter(({ total }) => total === 0);
  return silent.reduce((most, { milliseconds }) => Math.max(most, milliseconds), 0);
}

/**
 * Leaves alone the hosts that would be asked in vain. A host that was silent three times in a row or for
 * three minutes in all, or that asks to be left alone for longer than a run waits, is not asked any more,
 * since each of its blobs and images would cost the wait again. A later run has a circuit breaker of its own.
 */
export class CircuitBreaker {
  readonly #retryTimes: RetryTimes;
  readonly #silent = new Map<string, Silence>();

  constructor(retryTimes: RetryTimes) {
    this.#retryTimes = retryTimes;
  }

  /** @throws {LeftAlone} */
  async ask<T>(endpoint: Endpoint, work: () => Promise<T>): Promise<T> {
    this.#checkTime(endpoint);
    const before = this.#silent.get(endpoint.host);
    if (before !== undefined && isEnough(before)) throw silent(endpoint, before);
    try {
      const result = await work();
      this.#silent.delete(endpoint.host);
      return result;
    } catch (error) {
      if (error instanceof RegistryError) this.#note(endpoint.host, error, before);
      throw error;
    }
  }

  #checkTime(endpoint: Endpoint): void {
    const rest = restUntil(this.#retryTimes.get(endpoint.host) ?? 0);
    if (rest === 0) return;
    throw leftAlone(
      'rate-limited',
      endpoint,
      `it asked not to be asked again before ${pointInTime(rest)}`,
      {
        hint: `try again after ${pointInTime(rest)}, or log in to be allowed more`,
        retryAfter: rest,
      },
    );
  }

  /** @param before how silent the host was when the work began: parallel waits count once. */
  #note(host: string, error: RegistryError, before: Silence | undefined): void {
    const { retryAfter = 0, kind } = error;
    if (kind === 'unreachable' && retryAfter > LONGEST_RETRY_AFTER) {
      this.#dropPassedTimes();
      this.#retryTimes.set(host, Date.now() + Math.min(retryAfter, LONGEST_REST));
    }
    if (!isSilence(error)) return;
    const { times, milliseconds } = before ?? { times: 0, milliseconds: 0 };
    const all = milliseconds + silenceOf(error);
    this.#silent.set(host, { times: times + 1, milliseconds: all, error });
  }

  #dropPassedTimes(): void {
    for (const [host, time] of this.#retryTimes) {
      if (restUntil(time) === 0) this.#retryTimes.delete(host);
    }
  }
}

function isEnough({ times, milliseconds }: Silence): boolean {
  return times >= MAX_SILENCES || milliseconds >= LONGEST_SILENCE;
}

function silent(endpoint: Endpoint, { times, error: last }: Silence): LeftAlone {
  const often = times === 1 ? 'once' : `${times} times in a row`;
  const found = `it failed to answer ${often} (${last.message})`;
  return leftAlone('registry-unreachable', endpoint, found, { hint: last.hint });
}

function leftAlone(
  code: 'rate-limited' | 'registry-unreachable',
  { registry, host }: Endpoint,
  found: string,
  options: RegistryErrorOptions,
): LeftAlone {
  const name = host === registry ? registry : `${registry} (${host})`;
  return new LeftAlone(code, `registry ${name} is not asked now: ${found}`, options);
}
