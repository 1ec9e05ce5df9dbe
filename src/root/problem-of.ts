import type { Problem } from '../common/problem.ts';
import type { RootError, RootErrorCode } from './root.ts';

/** A file that a search could not read, as a problem. If it is not the OS's, that is only a note. */
export function problemOf(error: RootError): Problem<RootErrorCode> {
  const isNote = error.code === 'user-writable' || error.code === 'private';
  return { ...problemOfCited(error), ...(isNote ? { note: true } : {}) };
}

/**
 * A file that a unit of the OS cites and that could not be read: what the unit means is then unknown, so
 * it is never only a note.
 */
export function problemOfCited({ code, path, message, hint }: RootError): Problem<RootErrorCode> {
  return { code, path, message, hint };
}
