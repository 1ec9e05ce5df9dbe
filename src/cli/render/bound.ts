import type { Bound } from '../../binding/bound.ts';
import { printProblems } from './problems.ts';
import { shownLine } from './shown.ts';

/** The hint that is printed wherever nothing is bound. */
export const howToBind =
  'To bind: link the units from /usr/lib/berth/bound.d, write Bind=yes in the [X-Berth] section of a unit, set mode in the root’s /usr/lib/berth/berth.toml, or say --bind all.';

/** Prints the problems with bound references on standard error, or that nothing is bound. */
export function printBound(
  { problems, isNothing }: Pick<Bound, 'problems' | 'isNothing'>,
  location: string,
  { format }: { readonly format: string },
): void {
  if (format !== 'json') printProblems(problems);
  if (isNothing) process.stderr.write(shownLine(`Nothing of ${location} is bound. ${howToBind}`));
}
