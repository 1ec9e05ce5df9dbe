import { BerthError } from '../common/errors.ts';

/** An updater that can't tell which roots live. */
export function cantTell(
  updater: string,
  message: string,
  hint: string,
  cause?: unknown,
): BerthError {
  return new BerthError('deployments', `${updater}: ${message}`, { hint, cause });
}

export function unreadableRoot(
  id: string,
  message: string,
  hint: string,
  cause?: unknown,
): BerthError {
  return new BerthError('unreadable-root', `the root ${id} can't be read: ${message}`, {
    hint,
    cause,
  });
}
