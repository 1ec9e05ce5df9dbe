import { accessSync, closeSync, constants, openSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { BerthError, type FailureKind, isOutOfSpace, systemErrorCode } from './errors.ts';
import { makeDirectory } from './make-directory.ts';

export type LockMode = 'shared' | 'exclusive';

export interface LockWait {
  readonly signal?: AbortSignal;
  /** Called once, when somebody else turns out to hold the lock, with who that is, for people. */
  readonly onWait?: (holders: string) => void;
  /** How long to wait, in milliseconds; `PATIENCE` unless it is said. */
  readonly patience?: number | undefined;
}

/**
 * In milliseconds. A long stage may hold the lock longer: then the command fails and can be run again. A
 * stuck process must not be waited for for ever.
 */
const PATIENCE = 10 * 60_000;

/** Between two tries, in milliseconds: doubled from the first to the last. */
const FIRST_DELAY = 1;
const LAST_DELAY = 25;

/** SQLite's result code for a lock that another connection holds. */
const SQLITE_BUSY = 5;

/**
 * Runs the work while it holds the lock of a file: together with others that hold it `shared`, or
 * alone. It holds between processes and within one, and ends with the process, however that ends.
 * The file is made if need be, its directory too; it stays empty and is never removed.
 *
 * Not reentrant: who waits for a lock that it holds itself waits for ever, also `shared` twice
 * when another waits for `exclusive`.
 *
 * @throws {ProcessLockError} `lock-held` if it can't be had in time, `engine-failed` if its file can't be used.
 * @throws the reason of `signal`, when it is aborted while waiting.
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

/** As `withLock` with `exclusive`, but does nothing if the lock can't be had at once. */
export async function withLockIfFree(path: string, work: () => Promise<void>): Promise<void> {
  const file = await openLockFile(path);
  try {
    if (attempt(file, 'exclusive', path)) await work();
  } finally {
    file.close();
  }
}

/**
 * Everybody comes in through a gate, and who waits for the lock holds the gate meanwhile: so
 * those that share the lock, each let in while another still holds it, can't keep out for ever
 * one that wants it alone. (SQLite's own PENDING lock, made for that, is dropped between tries.)
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

/** Node has no event for a lock that becomes free, so it is tried again and again. */
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
    // Jitter, lest two that wait keep step.
    await delay(pause * (0.5 + Math.random()));
  }
}

/**
 * A transaction of SQLite on an empty database is the lock: Node has neither flock nor fcntl,
 * and SQLite's POSIX locks die with the process. Nothing is ever written, and with the journal
 * in memory no other file appears (https://sqlite.org/lockingv3.html).
 */
function attempt(file: DatabaseSync, mode: LockMode, path: string): boolean {
  try {
    file.exec('PRAGMA journal_mode = MEMORY');
    if (mode === 'exclusive') file.exec('BEGIN EXCLUSIVE');
    else {
      file.exec('BEGIN');
      // BEGIN takes no lock; the first read takes the shared one.
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
    // SQLite would not say why it can't.
    makeLockFile(path);
    return new DatabaseSync(path, { timeout: 0 });
  } catch (error) {
    throw unusable(path, error);
  }
}

/**
 * One that is there is not opened: the system drops every lock that this process has on a file
 * when it closes any descriptor of it (fcntl(2)). Only SQLite keeps account of its own.
 */
function makeLockFile(path: string): void {
  try {
    closeSync(openSync(path, 'ax', 0o600));
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
    accessSync(path, constants.R_OK | constants.W_OK);
  }
}

/** The process that holds the lock; the one that holds the gate mostly waits itself. */
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
  /** Another process has held the lock for longer than it is waited for. */
  | 'lock-held'
  /** The lock's file can't be made or locked. */
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
