/** How much of an engine's time and words berth bears. */
export interface Limits {
  /** The largest reply, in bytes; of a list, the largest element and all that is kept of it. */
  readonly reply: number;
  /** The largest list, in bytes. */
  readonly list: number;
  /** The limit for a whole reply, in milliseconds: removing a large image on a slow disk takes minutes. */
  readonly timeout: number;
  /**
   * How long an engine may neither take a portion of an archive (`Silence`) nor answer, in milliseconds: it unpacks
   * large images without a word.
   */
  readonly silence: number;
  /** How long nothing is asked of an engine that was too slow, in milliseconds. */
  readonly rest: number;
}

/**
 * For the engines of the system, and the podman of the caller. A list of 10,000 images is about 10 MiB; a larger
 * reply is no honest one.
 */
export const CALLERS: Limits = {
  reply: 64 * 1024 * 1024,
  list: 4 * 1024 * 1024 * 1024,
  timeout: 300_000,
  silence: 24 * 60 * 60_000,
  rest: 0,
};

/** For the podman of another user, who may have put anything in its place. */
export const OTHERS: Limits = {
  reply: 16 * 1024 * 1024,
  list: 256 * 1024 * 1024,
  timeout: 300_000,
  silence: 30 * 60_000,
  // Longer than most commands run. `berth watch`, which runs on, asks again.
  rest: 600_000,
};
