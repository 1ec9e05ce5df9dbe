import { type WantedOptions, wantedOf } from '../binding/wanted.ts';
import type { Deployment } from '../deployment/deployment.ts';
import { type Plan, type PlannedRoot, planStage } from '../lifecycle/plan/plan.ts';
import { recordedOf } from '../lifecycle/reconcile.ts';
import type { Situation } from '../lifecycle/situation.ts';
import type { Root } from '../root/root.ts';
import type { HostContext } from './context.ts';
import { deploymentAt } from './deployments.ts';
import type { Host } from './host.ts';
import { idOfRoot } from './root.ts';
import type { Target } from './target.ts';

export interface PlannerOptions {
  /** The deployment that the user named, if any. */
  readonly called: Deployment | undefined;
  /** Which references are bound; by default the root's policy decides. */
  readonly bind?: WantedOptions['bind'];
  /** The id of the root, for a root that no updater names. */
  readonly id?: string | undefined;
  /** The OS in which the root is staged, if it is not the running system. */
  readonly target?: Target | undefined;
  /** Makes the plan; `planStage` unless it is given. */
  readonly planAs?: typeof planStage;
}

/** A root that was read, and can be planned once the situation is known. */
export interface Planner {
  /** The id of the root, or a function that finds it among the roots that are already staged. */
  readonly id: string | ((situation: Situation) => string);
  readonly plan: (situation: Situation) => Promise<Plan>;
}

/** Reads the root now, while it is open. */
export async function plannerOf(
  host: Host,
  context: HostContext,
  root: Root,
  { called, bind, target, planAs = planStage, ...options }: PlannerOptions,
): Promise<Planner> {
  const { compose, engine } = context;
  // The running system's updater knows nothing about another system.
  const deployment =
    target === undefined
      ? (called ?? (await deploymentAt(root.location, host.deployments)))
      : undefined;
  const location = target?.location ?? deployment?.location ?? root.location;
  const given = options.id ?? target?.id;
  const foreign = target !== undefined;
  const wanted = await wantedOf(root, { bind, compose, engine: engine.id, foreign });
  const idIn = ({ records }: Situation) => idOfRoot(location, given, records, deployment);
  const isKnown = (given ?? deployment) !== undefined;
  const { downloadOnly = false } = host.options;
  return {
    id: isKnown ? idOfRoot(location, given, new Map(), deployment) : idIn,
    plan: (situation) => {
      const planned = plannedRoot(idIn(situation), location, deployment);
      return planAs(context, context.registry, situation, planned, wanted, { downloadOnly });
    },
  };
}

/**
 * The root as it is planned. A root under another id than its updater's stands for itself: no updater can
 * drop it.
 */
export function plannedRoot(
  id: string,
  location: string,
  deployment: Deployment | undefined,
): PlannedRoot {
  if (deployment?.id !== id) return { id, location };
  return { id, location, deployment: recordedOf(deployment) };
}
