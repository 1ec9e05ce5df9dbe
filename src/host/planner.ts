import { wantedOf } from '../binding/wanted.ts';
import { letHeapGrow } from '../cli/heap.ts';
import type { RootOptions } from '../cli/options.ts';
import type { Surroundings } from '../cli/surroundings.ts';
import type { Deployment } from '../deployment/deployment.ts';
import type { InstallTarget } from '../deployment/install-target.ts';
import { type Plan, type PlannedRoot, planStage } from '../lifecycle/plan/plan.ts';
import { recordedOf } from '../lifecycle/reconcile.ts';
import type { Situation } from '../lifecycle/situation.ts';
import type { Root } from '../root/root.ts';
import { deploymentAt } from './deployments.ts';
import { idOfRoot } from './root.ts';

interface PlannerOptions extends RootOptions {
  readonly downloadOnly?: boolean;
}

/**
 * Reads the root now, while it is open; the plan itself is made when the situation is known.
 *
 * @param target in which the root is staged, if not in the running system.
 * @param planAs makes the plan, if another than that of a staging is meant.
 */
export async function plannerOf(
  surroundings: Surroundings,
  root: Root,
  options: PlannerOptions,
  called: Deployment | undefined,
  target?: InstallTarget,
  planAs: typeof planStage = planStage,
): Promise<Planner> {
  const { compose, engine } = surroundings;
  // What the running system's updater says has no meaning for another system.
  const deployment =
    target === undefined ? (called ?? (await deploymentAt(root.location, options))) : undefined;
  const location = target?.location ?? deployment?.location ?? root.location;
  const given = options.id ?? target?.id;
  const foreign = target !== undefined;
  const wanted = await wantedOf(root, {
    bind: options.bind,
    compose,
    engine: engine.id,
    foreign,
  });
  const idIn = ({ records }: Situation) => idOfRoot(location, given, records, deployment);
  const isKnown = (given ?? deployment) !== undefined;
  return {
    id: isKnown ? idOfRoot(location, given, new Map(), deployment) : idIn,
    plan: (situation) => {
      letHeapGrow();
      const planned = plannedRoot(idIn(situation), location, deployment);
      return planAs(surroundings, surroundings.registry, situation, planned, wanted, options);
    },
  };
}

/** Under another id than the updater's it is a root of its own, which no updater takes away. */
export function plannedRoot(
  id: string,
  location: string,
  deployment: Deployment | undefined,
): PlannedRoot {
  if (deployment?.id !== id) return { id, location };
  return { id, location, deployment: recordedOf(deployment) };
}

export interface Planner {
  /** The id of the root, or what tells it by what is staged already. */
  readonly id: string | ((situation: Situation) => string);
  readonly plan: (situation: Situation) => Promise<Plan>;
}
