import { type Root, RootError } from '../root/root.ts';
import type { Problem } from './problem.ts';
import type { Self } from './users/self.ts';

/**
 * Removes quotations from the problems of files that not everybody may read: messages go into
 * journals and logs, which more people can read than the file.
 *
 * @param self a user whose unit files are quoted, if the run is for this user alone: homes are private on
 *   most systems. Files that the units cite may have secrets, and are quoted to nobody.
 */
export function withoutPrivate(root: Root, self?: Self): (problem: Problem) => Problem {
  const open = root.as('public');
  const known = new Map<string, boolean>();
  const isPrivate = (path: string): boolean => {
    let result = known.get(path);
    if (result === undefined) {
      result = isForFew(open, path);
      known.set(path, result);
    }
    return result;
  };
  return (problem) => {
    const { path, code, subject } = problem;
    if (self?.alone === true && subject?.unitPath === path) return problem;
    // Problems with these two codes only say that the file was not read: they quote nothing.
    if (code === 'private' || code === 'user-writable' || !isPrivate(path)) return problem;
    return unquoted(problem, 'the file');
  };
}

/** A problem without its text, which comes from a file that not everybody may read. */
export function unquoted<P extends Problem>(problem: P, file: string): P {
  return {
    ...problem,
    message: `${file} has a problem here (${problem.code}); its text is not quoted, since not everybody may read the file`,
    hint: 'look at the line as a user who may read it; docs/problems.md says what the code means',
  };
}

function isForFew(open: Root, path: string): boolean {
  try {
    open.lookup(path);
    return false;
  } catch (error) {
    if (error instanceof RootError) return error.code === 'private';
    throw error;
  }
}
