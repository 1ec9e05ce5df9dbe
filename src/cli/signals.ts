import { constants } from 'node:os';
import { CliError } from './errors.ts';

/**
 * Signals end berth at once, as they end any program without handlers, and the shell sees the signal (128 +
 * its number). berth may be killed at any point: fetched data stays, and podman's service notices by itself
 * that berth is gone. A handler in Node would not even be called while a large root is parsed.
 *
 * Only work that would leave a large temporary file in a user's directory cleans up first: see `inOrder`.
 */
let ending: AbortController | undefined;

/** Aborted when a signal ends work that runs in `inOrder`. */
export function endingSignal(): AbortSignal {
  ending ??= new AbortController();
  return ending.signal;
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** How long the work may clean up after a signal, in milliseconds. */
const GRACE = 800;

/**
 * Runs work that cleans up after itself when `endingSignal` is aborted, and ends the process by the signal
 * that arrived, if any. The work must not keep the processor for long in one piece. A second signal ends it
 * at once.
 */
export async function inOrder<T>(work: () => Promise<T>): Promise<T> {
  let received: NodeJS.Signals | undefined;
  const stop = (signal: NodeJS.Signals) => {
    sayLastWords();
    if (received !== undefined) {
      dieBy(signal);
      return;
    }
    received = signal;
    setTimeout(dieBy, GRACE, signal);
    ending?.abort(interrupted(signal));
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
 * Handles signals if berth is the first process of a container. The kernel delivers only handled signals to
 * such a process: without handlers `podman stop` would wait for its whole timeout.
 */
export function hearAsFirstProcess(): void {
  if (process.pid !== 1) return;
  for (const signal of SIGNALS) process.on(signal, () => exitAsBy(signal));
}

function exitAsBy(signal: NodeJS.Signals): void {
  sayLastWords();
  process.exit(128 + constants.signals[signal]);
}

/** Ends the process by the signal's default action, whatever handlers were set before. */
export function dieBy(signal: NodeJS.Signals): void {
  if (process.pid === 1) exitAsBy(signal);
  if (signal !== 'SIGPIPE') sayLastWords();
  // Removing the last listener restores the default action, also for SIGPIPE, which Node ignores.
  process.once(signal, () => undefined).removeAllListeners(signal);
  process.kill(process.pid, signal);
}

let lastWords: (() => void) | undefined;

/**
 * Runs `say` before a signal ends berth: for a screen that has to be left clean. While nothing is set, no
 * handler keeps a signal waiting.
 *
 * @returns a function after which nothing is run any more.
 */
export function beforeEnd(say: () => void): () => void {
  lastWords = say;
  for (const signal of SIGNALS) process.on(signal, endAlone);
  return () => {
    lastWords = undefined;
    for (const signal of SIGNALS) process.off(signal, endAlone);
  };
}

/**
 * Writes what may wait for a slow reader, and lets a signal end berth meanwhile: while a write waits, no handler is
 * called. Then nothing is cleaned up, as after SIGKILL, and nothing said.
 */
export function endingAtOnce(write: () => void): void {
  const handlers = SIGNALS.flatMap((signal) =>
    process.listeners(signal).map((handler) => ({ signal, handler })),
  );
  for (const signal of SIGNALS) process.removeAllListeners(signal);
  try {
    write();
  } finally {
    for (const { signal, handler } of handlers) process.on(signal, handler);
  }
}

/** Ends the process, unless work that cleans up after itself does. */
function endAlone(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) === 1) dieBy(signal);
}

function sayLastWords(): void {
  const say = lastWords;
  lastWords = undefined;
  say?.();
}

function interrupted(signal: NodeJS.Signals): CliError {
  return new CliError('interrupted', `ended by ${signal}`, {
    hint: 'what was fetched stays; run the same command again',
  });
}
