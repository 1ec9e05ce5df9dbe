import type { Binding } from '../../binding/bindings.ts';
import type { BoundProblem } from '../../binding/survey.ts';
import type { Engine } from '../../engine/engine.ts';
import type { LifecycleProblemCode } from '../error.ts';
import type { DeferredName } from './deferred-names.ts';

type ArtifactProblem = BoundProblem<LifecycleProblemCode>;

interface Keepable {
  readonly bindings: readonly Binding[];
  readonly problems: readonly ArtifactProblem[];
}

/** The bindings that an engine can keep, and a problem for each artifact that it can't. */
export async function keepable(engine: Engine, bindings: readonly Binding[]): Promise<Keepable> {
  const artifacts = bindings.filter(({ artifact }) => artifact === true);
  if (artifacts.length === 0 || engine.keepsArtifacts?.() === true) {
    return { bindings, problems: [] };
  }
  const { version } = await engine.info();
  const found = version === '' ? engine.id : `${engine.id} ${version}`;
  return {
    bindings: bindings.filter(({ artifact }) => artifact !== true),
    problems: artifacts.flatMap((binding) =>
      problemsOf(binding, {
        message: `expected an engine that can keep the artifact ${binding.name} for its unit, found ${found}: berth fetches artifacts into the caller's own podman 5.6 or later`,
        hint: 'stage the root with a newer podman; for a user, let the user run `berth stage --user`; or leave the unit unbound',
      }),
    ),
  };
}

/** The artifacts whose names can't move when the root is activated, as that takes a registry. */
export function deferredArtifacts(
  bindings: readonly Binding[],
  deferred: readonly DeferredName[],
): readonly ArtifactProblem[] {
  const artifacts = bindings.filter(({ artifact }) => artifact === true);
  return deferred.flatMap(({ name, current, heldBy }) =>
    artifacts
      .filter((binding) => binding.name === name)
      .flatMap((binding) =>
        problemsOf(binding, {
          message: `expected a name that no other root uses for the artifact ${name}, found that ${heldBy.join(', ')} means ${current} by it: only a registry can move the name, and at boot there may be none`,
          hint: 'give each version of the artifact a tag of its own, or name it by its digest',
        }),
      ),
  );
}

function problemsOf(
  { references }: Binding,
  said: Pick<ArtifactProblem, 'message' | 'hint'>,
): readonly ArtifactProblem[] {
  return references.map(({ path, line }) => ({
    code: 'artifact',
    path,
    line,
    ...said,
    bound: true,
  }));
}
