import type { Problem } from '../common/problem.ts';
import type { RootError, RootErrorCode } from './root.ts';

/**
 * The problem of a file that a search could not read. If the file is no part of the OS, the problem is
 * only a note.
 */
export function problemOf(error: RootError): Problem<RootErrorCode> {
  const isNote = error.code === 'user-writable' || error.code === 'private';
  return { ...problemOfCited(error), ...(isNote ? { note: true } : {}) };
}

/**
 * The problem of an unreadable file that a unit of the OS cites. Never only a note, because the meaning
 * of the unit is then unknown.
 */
export function problemOfCited({ code, path, message, hint }: RootError): Problem<RootErrorCode> {
  return { code, path, message, hint };
}
