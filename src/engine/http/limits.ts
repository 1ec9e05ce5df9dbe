/** How much of an engine's time and words berth bears. */
export interface Limits {
  /** The largest reply, in bytes. */
  readonly reply: number;
  /** The limit for a whole reply, in milliseconds: removing a large image on a slow disk takes minutes. */
  readonly timeout: number;
  /**
   * How long an engine may neither take a portion of an archive (`Silence`) nor answer, in milliseconds;
   * undefined if it may for ever, as it works without a word.
   */
  readonly silence: number | undefined;
  /** Whether nothing is asked of an engine any more that was too slow once. */
  readonly isOnce: boolean;
}

/** For the engines of the system, and the podman of the caller. A list of 10,000 images is about 10 MiB; a larger reply is no honest one. */
export const CALLERS: Limits = {
  reply: 64 * 1024 * 1024,
  timeout: 300_000,
  silence: undefined,
  isOnce: false,
};

/** For the podman of another user, who may have put anything in its place. */
export const OTHERS: Limits = {
  reply: 16 * 1024 * 1024,
  timeout: 300_000,
  silence: 30 * 60_000,
  isOnce: true,
};
