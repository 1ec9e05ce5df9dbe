import { constants } from 'node:os';
import { BerthError } from '../common/errors.ts';

/**
 * How signals end berth: as they end any program that does nothing about them, at once, and with the
 * signal as the end that is seen (128 + its number in a shell). A kill is safe wherever it hits, what was
 * fetched stays, and podman's service sees by itself that berth is gone. A handler of Node's would not
 * even be called while a large root is parsed.
 *
 * Only what would leave a large file beside somebody's own is put in order before: see `inOrder`.
 */
const ending = new AbortController();

/** Aborted when a signal ends work that is put in order first. */
export const endingSignal: AbortSignal = ending.signal;

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** In milliseconds: what is not in order by then stays as it is. */
const GRACE = 800;

/**
 * Runs work that cleans up after itself when `endingSignal` is aborted, and ends the process by the
 * signal that came, if one did. The work must not keep the processor for long in one piece. A second
 * signal ends it at once.
 */
export async function inOrder<T>(work: () => Promise<T>): Promise<T> {
  let received: NodeJS.Signals | undefined;
  const stop = (signal: NodeJS.Signals) => {
    if (received !== undefined) {
      dieBy(signal);
      return;
    }
    received = signal;
    setTimeout(dieBy, GRACE, signal);
    ending.abort(interrupted(signal));
  };
  const hearing = process.pid === 1;
  if (hearing) for (const signal of SIGNALS) process.removeAllListeners(signal);
  for (const signal of SIGNALS) process.on(signal, stop);
  try {
    return await work();
  } finally {
    for (const signal of SIGNALS) process.off(signal, stop);
    if (hearing) hearAsFirstProcess();
    if (received !== undefined) dieBy(received);
  }
}

/**
 * The kernel gives the first process of a container no signal that it does not handle: `podman stop` of
 * one that runs berth would wait for its whole time.
 */
export function hearAsFirstProcess(): void {
  if (process.pid !== 1) return;
  for (const signal of SIGNALS) process.on(signal, () => exitAsBy(signal));
}

function exitAsBy(signal: NodeJS.Signals): void {
  process.exit(128 + constants.signals[signal]);
}

/** Ends the process as the signal does by itself, whatever was made of it before. */
export function dieBy(signal: NodeJS.Signals): void {
  if (process.pid === 1) exitAsBy(signal);
  // The last listener that goes leaves the system's own action, also for SIGPIPE, which Node ignores.
  process.once(signal, () => undefined).removeAllListeners(signal);
  process.kill(process.pid, signal);
}

function interrupted(signal: NodeJS.Signals): BerthError {
  return new BerthError('interrupted', `ended by ${signal}`, {
    hint: 'what was fetched stays; run the same command again',
  });
}
