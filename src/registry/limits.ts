import { setTimeout as delay } from 'node:timers/promises';
import { Semaphore } from '../common/semaphore.ts';

/** The limits of one registry, as berth.toml sets them. */
export interface RegistrySettings {
  /** In milliseconds: how long a reply may take to begin. */
  readonly patience?: number;
  /** The most bytes a second that are downloaded from it. */
  readonly limitRate?: number;
  /** The most requests that it is sent at a time. */
  readonly atATime?: number;
}

/** The limits of this host. */
export interface LimitSettings {
  /** The most bytes a second that are downloaded from all registries together. */
  readonly limitRate?: number | undefined;
  /** By registry, as names of images have it: `docker.io`, `registry.example:5000`. */
  readonly registries: ReadonlyMap<string, RegistrySettings>;
}

export const NO_LIMITS: LimitSettings = { registries: new Map() };

export interface RateClock {
  /** In milliseconds, from any starting point. */
  readonly now: () => number;
  readonly wait: (milliseconds: number, signal: AbortSignal | undefined) => Promise<void>;
}

const clock: RateClock = {
  now: () => performance.now(),
  wait: (milliseconds, signal) => delay(milliseconds, undefined, signal && { signal }),
};

/** Keeps downloads to the limits. Manifests, which are small, don't count for rates. */
export class Limits {
  readonly #settings: LimitSettings;
  readonly #clock: RateClock;
  readonly #overall: Rate | undefined;
  readonly #rates = new Map<string, Rate>();
  readonly #places = new Map<string, Semaphore>();

  constructor(settings: LimitSettings = NO_LIMITS, rateClock: RateClock = clock) {
    this.#settings = settings;
    this.#clock = rateClock;
    const { limitRate } = settings;
    this.#overall = limitRate === undefined ? undefined : new Rate(limitRate, rateClock);
  }

  /** Whether anything limits what is downloaded from a registry. */
  isLimited(registry: string): boolean {
    const { limitRate, atATime } = this.#of(registry);
    return [this.#overall, limitRate, atATime].some((limit) => limit !== undefined);
  }

  patienceOf(registry: string): number | undefined {
    return this.#of(registry).patience;
  }

  /**
   * Waits until the bytes that have arrived from a registry may have come. A download that waits here does
   * not read its connection, which slows the sender down.
   */
  async received(registry: string, bytes: number, signal: AbortSignal | undefined): Promise<void> {
    await this.#overall?.turn(bytes, signal);
    const { limitRate } = this.#of(registry);
    if (limitRate === undefined) return;
    const rate = this.#rates.get(registry) ?? new Rate(limitRate, this.#clock);
    this.#rates.set(registry, rate);
    await rate.turn(bytes, signal);
  }

  /** Does the work when a registry has a place for it. */
  async inTurn<T>(registry: string, work: () => Promise<T>): Promise<T> {
    const { atATime } = this.#of(registry);
    if (atATime === undefined) return work();
    const places = this.#places.get(registry) ?? new Semaphore(atATime);
    this.#places.set(registry, places);
    return places.run(0, work);
  }

  #of(registry: string): RegistrySettings {
    return this.#settings.registries.get(registry) ?? {};
  }
}

/** A number of bytes a second that everything which takes its turn here keeps to together. */
class Rate {
  readonly #bytesPerSecond: number;
  readonly #clock: RateClock;
  #freeAt = Number.NEGATIVE_INFINITY;

  constructor(bytesPerSecond: number, rateClock: RateClock) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#clock = rateClock;
  }

  async turn(bytes: number, signal: AbortSignal | undefined): Promise<void> {
    const asked = this.#clock.now();
    const begin = Math.max(this.#freeAt, asked);
    this.#freeAt = begin + (bytes / this.#bytesPerSecond) * 1000;
    if (begin > asked) await this.#clock.wait(begin - asked, signal);
  }
}
