import type { Problem } from '../problem.ts';
import type { RootError } from './root.ts';

/** What could not be read of a root, as the data that the other problems are. */
export function problemOf(error: RootError): Problem {
  return { code: error.code, path: error.path, message: error.message, hint: error.hint };
}
