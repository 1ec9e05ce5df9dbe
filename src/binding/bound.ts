import type { Root } from '../root/root.ts';
import { type Binding, bindingsOf } from './bindings.ts';
import { type BoundProblem, type Survey, survey } from './survey.ts';
import type { WantedOptions } from './wanted.ts';

/** The bound references of a root, for commands that stage nothing: lock, ship, bundle. */
export interface Bound {
  readonly found: Survey;
  readonly bindings: readonly Binding[];
  /** The problems on bound references. */
  readonly problems: readonly BoundProblem[];
  readonly isNothing: boolean;
  /** Whether a bound reference names an image that can't be known. */
  readonly hasUnknown: boolean;
}

/** Reads a root, while it is open. */
export async function readBound(
  root: Root,
  options: Pick<WantedOptions, 'bind' | 'compose'>,
): Promise<Bound> {
  // A name means the same whoever runs it: each is wanted once.
  const found = await survey(root, { ...options, engines: { all: 'store' } });
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
