import { problemOf } from '../../root/problem-of.ts';
import { type Root, RootError } from '../../root/root.ts';
import { type Etc, followed, linkTarget } from '../../systemd/etc.ts';
import { parseQuadletUnit, type UnitEntry } from '../../systemd/unit-file.ts';
import type { Problem } from '../problem.ts';
import { isRead } from './known-keys.ts';
import type { UnitType } from './unit.ts';

/** A unit file or drop-in, or why it could not be read; never an exception. */
export type UnitText =
  | {
      readonly ok: true;
      readonly realPath: string;
      readonly entries: readonly UnitEntry[];
      readonly empty: boolean;
    }
  | { readonly ok: false; readonly problem: Problem };

export type ReadUnit = (path: string, type: UnitType) => UnitText;

/** Bounds the memory that all unit files of a root take together. */
export class Budget {
  /** The remaining bytes; 10,000 units of usual size take a tenth of the whole. */
  #left = 128 * 1024 * 1024;

  /** @returns false once the budget is used up. */
  spend(bytes: number): boolean {
    this.#left -= bytes;
    return this.#left >= 0;
  }
}

/** The memory that V8 takes for one parsed assignment, roughly. */
export const bytesPerEntry = 128;

/** A function that reads unit files and drop-ins of one root, within one budget. */
export function unitReader(root: Root, etc: Etc, budget: Budget): ReadUnit {
  return (path, type) => {
    try {
      const file = root.readFile(followed(root, etc, path));
      if (file === undefined) return isMask(root, etc, path) ? masked : failed(dangling(path));
      const parsed = parseQuadletUnit(file.content.toString(), path, (group, key) =>
        isRead(type, group, key),
      );
      if (!parsed.ok) return failed(malformed(path, parsed.line, parsed.message));
      if (!budget.spend(file.content.length + bytesPerEntry * parsed.entries.length)) {
        return failed(tooMuch(path));
      }
      // Few units are links: the same string again takes no memory.
      return { ...parsed, realPath: file.realPath === path ? path : file.realPath };
    } catch (error) {
      if (!(error instanceof RootError)) throw error;
      return isMask(root, etc, path) ? masked : failed(problemOf(error));
    }
  };
}

const masked: UnitText = { ok: true, realPath: '/dev/null', entries: [], empty: true };

/** Whether a path is a link to `/dev/null`: an empty file on a host, but missing in most trees. */
function isMask(root: Root, etc: Etc, path: string): boolean {
  try {
    return linkTarget(root, etc, path) === '/dev/null';
  } catch (error) {
    if (error instanceof RootError) return false;
    throw error;
  }
}

function failed(problem: Problem): UnitText {
  return { ok: false, problem };
}

function dangling(path: string): Problem {
  return {
    code: 'dangling-link',
    path,
    message: 'expected a unit file, found a link that leads nowhere inside the root',
    hint: 'ship the file that it leads to, or remove the link',
  };
}

function malformed(path: string, line: number, found: string): Problem {
  return {
    code: 'syntax',
    path,
    line,
    message: `expected a unit file that podman's generator can read, found ${found}; the generator then ignores all files in this directory`,
    hint: 'correct the line, or remove the file',
  };
}

/** The problem of a unit file that exceeds the budget of its root. */
export function tooMuch(path: string): Problem {
  return {
    code: 'too-large',
    path,
    message: 'expected unit files of usual size, found more than 128 MiB of them together',
    hint: 'remove what is not a unit from the search directories',
  };
}
