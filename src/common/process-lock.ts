import { accessSync, closeSync, constants, openSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { BerthError, type FailureKind, isOutOfSpace, systemErrorCode } from './errors.ts';
import { makeDirectory } from './files/make-directory.ts';

export type LockMode = 'shared' | 'exclusive';

export interface LockWait {
  readonly signal?: AbortSignal;
  /** Called once if the lock is held by others, with their names in words for people. */
  readonly onWait?: (holders: string) => void;
  /** The longest wait in milliseconds; `PATIENCE` by default. */
  readonly patience?: number | undefined;
}

/**
 * The longest wait for a lock, in milliseconds. If a stage holds the lock for longer, the waiting command
 * fails and can be run again. Without a limit a stuck process would block all others for ever.
 */
const PATIENCE = 10 * 60_000;

/** The pause between two tries in milliseconds: starts with the first and doubles up to the last. */
const FIRST_DELAY = 1;
const LAST_DELAY = 25;

/** SQLite's result code for a lock that another connection holds. */
const SQLITE_BUSY = 5;

/**
 * Runs the work while holding the lock of a file, either `shared` with others or alone. The lock works
 * between processes and within a process, and ends with the process, however the process ends. The file
 * and its directory are created if missing. The file stays empty and is never removed.
 *
 * Not reentrant: a caller that already holds the lock waits for itself for ever. That also holds for
 * taking it `shared` twice, if another caller waits for `exclusive` in between.
 *
 * @throws {ProcessLockError} `lock-held` after the longest wait, `engine-failed` if the file can't be used.
 * @throws the reason of `signal`, if the signal is aborted during the wait.
 */
export async function withLock<T>(
  path: string,
  mode: LockMode,
  work: () => Promise<T>,
  options: LockWait = {},
): Promise<T> {
  const lock = await acquire(path, mode, options);
  try {
    return await work();
  } finally {
    lock.close();
  }
}

/** Like `withLock` with `exclusive`, but does nothing if the lock is not free. */
export async function withLockIfFree(path: string, work: () => Promise<void>): Promise<void> {
  const file = await openLockFile(path);
  try {
    if (attempt(file, 'exclusive', path)) await work();
  } finally {
    file.close();
  }
}

/**
 * Takes the lock. A second lock file, the gate, keeps the order: every caller takes the gate first and
 * holds it while waiting for the lock. Without the gate, callers that share the lock could follow each
 * other without end and keep out a caller that wants it alone. (SQLite's PENDING lock has the same
 * purpose, but is dropped between tries.)
 */
async function acquire(path: string, mode: LockMode, options: LockWait): Promise<DatabaseSync> {
  const gate = await openLockFile(`${path}.gate`);
  try {
    const { patience = PATIENCE } = options;
    const until = performance.now() + patience;
    const waiting = { ...options, path, patience, until, said: false };
    await poll(gate, 'exclusive', `${path}.gate`, waiting);
    const lock = await openLockFile(path);
    try {
      await poll(lock, mode, path, waiting);
      return lock;
    } catch (error) {
      lock.close();
      throw error;
    }
  } finally {
    gate.close();
  }
}

/** Tries until the lock is free, because Node has no event for that. */
async function poll(
  file: DatabaseSync,
  mode: LockMode,
  path: string,
  waiting: LockWait & { path: string; patience: number; until: number; said: boolean },
): Promise<void> {
  for (let pause = FIRST_DELAY; ; pause = Math.min(2 * pause, LAST_DELAY)) {
    waiting.signal?.throwIfAborted();
    if (attempt(file, mode, path)) return;
    const isTooLong = performance.now() >= waiting.until;
    if (isTooLong) throw held(waiting, await holdersOf(waiting.path));
    if (!waiting.said) waiting.onWait?.(await holdersOf(waiting.path));
    waiting.said = true;
    // The jitter keeps two waiting processes out of step.
    await delay(pause * (0.5 + Math.random()));
  }
}

/**
 * Tries to take the lock, which is an SQLite transaction on an empty database: Node has neither flock
 * nor fcntl, and SQLite's POSIX locks end with the process. Nothing is ever written, and with the
 * journal in memory no other file appears (https://sqlite.org/lockingv3.html).
 */
function attempt(file: DatabaseSync, mode: LockMode, path: string): boolean {
  try {
    file.exec('PRAGMA journal_mode = MEMORY');
    if (mode === 'exclusive') file.exec('BEGIN EXCLUSIVE');
    else {
      file.exec('BEGIN');
      // BEGIN takes no lock. The first read takes the shared lock.
      file.prepare('SELECT count(*) FROM sqlite_schema').get();
    }
    return true;
  } catch (error) {
    if (!isBusy(error)) throw unusable(path, error);
    if (file.isTransaction) file.exec('ROLLBACK');
    return false;
  }
}

async function openLockFile(path: string): Promise<DatabaseSync> {
  const { DatabaseSync } = await import('node:sqlite');
  try {
    makeDirectory(dirname(path));
    // SQLite's own error would not give the reason.
    makeLockFile(path);
    return new DatabaseSync(path, { timeout: 0 });
  } catch (error) {
    throw unusable(path, error);
  }
}

/**
 * Creates the lock file if it is missing. An existing file must not be opened here: when a process closes
 * any descriptor of a file, the system drops all of the process's locks on that file (fcntl(2)). Only
 * SQLite keeps track of its own descriptors.
 */
function makeLockFile(path: string): void {
  try {
    closeSync(openSync(path, 'ax', 0o600));
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
    accessSync(path, constants.R_OK | constants.W_OK);
  }
}

/** The processes that hold the lock, else those that hold the gate. */
async function holdersOf(path: string): Promise<string> {
  const { lockHolders } = await import('./lock-holders.ts');
  return (
    lockHolders(path) ??
    lockHolders(`${path}.gate`, process.pid) ??
    'a process that can’t be seen from here'
  );
}

function held(
  { path, patience }: { readonly path: string; readonly patience: number },
  holders: string,
): ProcessLockError {
  return new ProcessLockError(
    'lock-held',
    `expected to get the lock ${path} within ${patience / 1000} s, found it held by ${holders}`,
    {
      hint: 'try again when that process is done, or end it if it is stuck',
    },
  );
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
}

function unusable(path: string, error: unknown): ProcessLockError {
  const reason = error instanceof Error ? error.message : String(error);
  if (isOutOfSpace(error)) {
    return new ProcessLockError(
      'no-space',
      `no space is left to make the lock ${path}: ${reason}`,
      {
        hint: 'make space there, if only for an empty file',
        cause: error,
      },
    );
  }
  return new ProcessLockError('engine-failed', `can't lock ${path}: ${reason}`, {
    hint: 'run as the user that owns the state directory, or name another with --state-dir',
    cause: error,
  });
}

type ProcessLockErrorCode =
  /** Another process holds the lock for longer than the longest wait. */
  | 'lock-held'
  /** The lock file can't be created or locked. */
  | 'engine-failed'
  | 'no-space';

const kinds: Readonly<Record<ProcessLockErrorCode, FailureKind>> = {
  'lock-held': 'unreachable',
  'engine-failed': 'failed',
  'no-space': 'refused',
};

class ProcessLockError extends BerthError<ProcessLockErrorCode> {
  constructor(
    code: ProcessLockErrorCode,
    message: string,
    options: { hint: string; cause?: unknown },
  ) {
    super(code, message, { ...options, kind: kinds[code] });
  }
}
