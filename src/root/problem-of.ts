import type { Problem } from '../problem.ts';
import type { RootError } from './root.ts';

/**
 * What could not be read where a search looks, as the data that the other problems are. What is not
 * the OS's there is no part of it, which deserves a word and no more.
 */
export function problemOf(error: RootError): Problem {
  const isNote = error.code === 'user-writable' || error.code === 'private';
  return { ...problemOfCited(error), ...(isNote ? { note: true } : {}) };
}

/** The same for a file that a unit of the OS cites: what it says is not known then, whosever it is. */
export function problemOfCited({ code, path, message, hint }: RootError): Problem {
  return { code, path, message, hint };
}
