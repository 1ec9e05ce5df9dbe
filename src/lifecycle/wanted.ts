import type { BindMode } from '../discovery/reference.ts';
import type { Root } from '../root/root.ts';
import { type Binding, bindingsOf } from './bindings.ts';
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
