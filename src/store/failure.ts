import { BerthError, isOutOfSpace, systemErrorCode } from '../common/errors.ts';
import { EngineError } from '../engine/errors.ts';

/** The error for a failed system call on a path of the store. */
export function storeFailure(path: string, error: unknown): BerthError {
  if (error instanceof BerthError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const code = systemErrorCode(error) ?? '';
  if (isOutOfSpace(error)) {
    return new EngineError('no-space', `no space is left to write ${path}: ${reason}`, {
      hint: 'make space there; `berth prune` removes what released roots left',
      cause: error,
    });
  }
  return new EngineError('engine-failed', `can't use ${path}: ${reason}`, {
    hint: ['EACCES', 'EPERM', 'EROFS'].includes(code)
      ? 'run as the user that owns the store, or name another place with --state-dir'
      : 'check that the file system of the store is intact, then try again',
    cause: error,
  });
}

/** The error for a file that is not as the store wrote it. */
export function damaged(path: string, message: string, hint: string, cause?: unknown): EngineError {
  return new EngineError('store-damaged', `${path} ${message}`, {
    hint,
    ...(cause === undefined ? {} : { cause }),
  });
}
