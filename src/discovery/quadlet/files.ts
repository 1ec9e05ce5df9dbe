import { posix } from 'node:path';
import { displayPath } from '../../common/path-bytes.ts';
import { problemOfCited } from '../../root/problem-of.ts';
import { type Root, RootError } from '../../root/root.ts';
import { type Etc, followed, whereInTree } from '../../systemd/etc.ts';
import type { UnitEntry } from '../../systemd/unit-file.ts';
import type { Allowance } from '../allowance.ts';
import { type CitedText, citedText } from '../cited/text.ts';
import type { Expander } from '../expander.ts';
import type { Fault, Problem } from '../problem.ts';
import { problemOfUnit, type QuadletUnit, serviceOf, subjectOf } from './unit.ts';

export interface FileContext {
  readonly root: Root;
  readonly etc: Etc;
  readonly expander: Expander;
  readonly allowance: Allowance;
}

/** The text of a cited file, or the problem of the unit that cites it. */
export type CitedFile =
  | { readonly ok: true; readonly path: string; readonly file: CitedText }
  | { readonly ok: false; readonly problem: Problem };

/**
 * The path in the tree of a file that a unit cites; relative to `base`, by default the unit's
 * directory.
 */
export function citedPath(unit: QuadletUnit, value: string, etc: Etc, base?: string): string {
  if (value.startsWith('/')) return whereInTree(etc, posix.normalize(value));
  return posix.join(base ?? posix.dirname(unit.path), value);
}

/** Reads a file of the root that a unit cites by a name with specifiers and variables. */
export function citedFile(
  unit: QuadletUnit,
  entry: UnitEntry,
  { root, etc, expander, allowance }: FileContext,
  base?: string,
): CitedFile {
  const failed = (fault: Fault): CitedFile => ({
    ok: false,
    problem: problemOfUnit(unit, entry, fault),
  });
  const expanded = expander.expand(serviceOf(unit), entry.value);
  if (!expanded.ok) return failed(expanded.fault);
  const value = expanded.words.join(' ');
  if (value === '-' || /^(?:https?|git|ssh):|^git@|\.git$/.test(value))
    return failed(noFile(value));
  const path = citedPath(unit, value, etc, base);
  try {
    const file = citedText(root, followed(root, etc, path), allowance);
    return file === undefined ? failed(noFile(path)) : { ok: true, path, file };
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    return { ok: false, problem: { ...problemOfCited(error), subject: subjectOf(unit) } };
  }
}

/** Whether a value is a URL or repository that podman would fetch. */
export function isRemote(value: string): boolean {
  return /^(?:https?|git|ssh):|^git@|\.git$/.test(value);
}

function noFile(found: string): Fault {
  return {
    code: 'cited-file',
    message: `expected a file of the root, found ${displayPath(found)}, which is not one`,
    hint: 'ship the file in the root, or leave the unit unbound',
  };
}
