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
  /** Whether a bound reference names an image that can't be known, or that was left out. */
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

/**
 * The bound images without OCI artifacts, each of which becomes a problem: an engine takes an artifact
 * from a registry alone, so neither a bundle nor the root itself can bring one.
 */
export function withoutArtifacts(bound: Bound): Bound {
  const artifacts = bound.bindings.filter(({ artifact }) => artifact === true);
  if (artifacts.length === 0) return bound;
  const problems = artifacts.flatMap(({ name, references }) =>
    references.map(({ path, line }) => ({
      code: 'artifact',
      path,
      line,
      message: `expected images alone, found the OCI artifact ${name}, which podman takes from a registry alone; it is left out`,
      hint: 'stage the root while its registry can be reached, or ship the files as an image',
      bound: true,
    })),
  );
  return {
    ...bound,
    bindings: bound.bindings.filter(({ artifact }) => artifact !== true),
    problems: [...bound.problems, ...problems],
    hasUnknown: true,
  };
}
