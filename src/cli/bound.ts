import { type Binding, bindingsOf } from '../binding/bindings.ts';
import { type BoundProblem, type Survey, survey } from '../binding/survey.ts';
import type { Root } from '../root/root.ts';
import { howToBind } from './commands/images.ts';
import type { RootOptions } from './options.ts';
import { printProblems } from './render/problems.ts';
import { shownLine } from './render/shown.ts';
import { hostConfig } from './surroundings.ts';

/** What a root binds, for commands that make something of it and stage nothing. */
export interface Bound {
  readonly found: Survey;
  readonly bindings: readonly Binding[];
  /** On what is bound. */
  readonly problems: readonly BoundProblem[];
  readonly isNothing: boolean;
  /** Whether a bound reference names an image that can't be known. */
  readonly hasUnknown: boolean;
}

/** Reads a root while it is open. */
export async function readBound(root: Root, options: RootOptions): Promise<Bound> {
  const { compose } = await hostConfig(options);
  const found = await survey(root, { bind: options.bind, compose });
  const bound = found.references.filter(({ decision }) => decision.bound);
  const { bindings, problems } = bindingsOf(found, root, 'bound');
  return {
    found,
    bindings,
    problems: [...found.problems.filter((problem) => problem.bound), ...problems],
    isNothing: bound.length === 0,
    hasUnknown: bound.some(({ image }) => image === undefined),
  };
}

/** What there is to say of it beside the result, on standard error. */
export function printBound(
  { problems, isNothing }: Pick<Bound, 'problems' | 'isNothing'>,
  location: string,
  { format }: RootOptions,
): void {
  if (format !== 'json') printProblems(problems);
  if (isNothing) process.stderr.write(shownLine(`Nothing of ${location} is bound. ${howToBind}`));
}
