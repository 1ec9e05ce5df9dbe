import { HOW_TO_BIND } from '../../binding/bind.ts';
import type { Bound } from '../../binding/bound.ts';
import { printProblems } from './problems.ts';
import { shownLine } from './shown.ts';

/** Prints the problems with bound references on standard error, or that nothing is bound. */
export function printBound(
  { problems, isNothing }: Pick<Bound, 'problems' | 'isNothing'>,
  location: string,
  { format }: { readonly format: string },
): void {
  if (format !== 'json') printProblems(problems);
  if (isNothing)
    process.stderr.write(shownLine(`Nothing of ${location} is bound. To bind: ${HOW_TO_BIND}.`));
}
