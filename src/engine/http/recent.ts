/** Asks an engine about itself. */
export interface Recent<T> {
  /** Asks the engine again: for figures that change with each container, such as free locks. */
  now(): Promise<T>;
  /**
   * Returns the reply of the last seconds if there is one: for settings that change only with the engine's
   * files.
   */
  recent(): Promise<T>;
}

/**
 * In milliseconds. podman takes a third of a second for each reply, and a run over a hundred roots needs
 * one for each. In a long-lived process an engine may be restarted with other settings.
 */
const RECENT_MS = 10_000;

/** @param clock in milliseconds, from any starting point. */
export function recently<T>(ask: () => Promise<T>, clock = () => performance.now()): Recent<T> {
  let last: { readonly asked: number; readonly reply: Promise<T> } | undefined;
  const now = () => {
    const asked = { asked: clock(), reply: ask() };
    last = asked;
    // A failure is not remembered: the next call asks again.
    asked.reply.catch(() => {
      if (last === asked) last = undefined;
    });
    return asked.reply;
  };
  const recent = () =>
    last !== undefined && clock() - last.asked < RECENT_MS ? last.reply : now();
  return { now, recent };
}
