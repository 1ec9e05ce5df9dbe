import type { BindMode } from '../discovery/reference.ts';
import type { Root } from '../root/root.ts';
import { type Binding, bindingsOf } from './bindings.ts';
import type { RootRecord } from './record.ts';
import { type BoundProblem, survey } from './survey.ts';

/** What has to be there for a root: all that staging needs to know of its tree. */
export interface Wanted {
  readonly bindings: readonly Binding[];
  /** The problems on bound references: with one of them the root will not be ready. */
  readonly problems: readonly BoundProblem[];
}

/** Reads a root, while it is open. Needs no network and no engine. */
export async function wantedOf(
  root: Root,
  options: { readonly bind: BindMode | undefined; readonly compose: readonly string[] },
): Promise<Wanted> {
  const found = await survey(root, options);
  const { bindings, problems } = bindingsOf(found, root, 'bound');
  return { bindings, problems: [...found.problems.filter(({ bound }) => bound), ...problems] };
}

/** The same, with the names that a record has held to the digests that they have there. */
export function asRecorded({ bindings, problems }: Wanted, { staged }: RootRecord): Wanted {
  const served = (staged?.images ?? []).flatMap(({ names }) => names);
  const digests = new Map(served.map(({ name, digest }) => [name, digest]));
  return {
    bindings: bindings.map((binding) => {
      const recorded = digests.get(binding.name);
      return recorded === undefined ? binding : { ...binding, recorded };
    }),
    problems,
  };
}
