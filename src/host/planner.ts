import { type WantedOptions, wantedOf } from '../binding/wanted.ts';
import type { Deployment } from '../deployment/deployment.ts';
import { readingFor } from '../lifecycle/context.ts';
import { type PlannedRoot, planStage } from '../lifecycle/plan/plan.ts';
import { recordedOf } from '../lifecycle/reconcile.ts';
import type { Looked, Situation } from '../lifecycle/situation.ts';
import type { Stageable } from '../lifecycle/stage/stage.ts';
import type { Root } from '../root/root.ts';
import { bindOf } from '../state/record.ts';
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
  /** The plan is shown and not carried out. */
  readonly isShown?: boolean;
  /** Makes the plan; `planStage` unless it is given. */
  readonly planAs?: typeof planStage;
}

/** Reads the root now, while it is open. */
export async function plannerOf(
  host: Host,
  context: HostContext,
  root: Root,
  { called, bind, target, isShown = false, planAs = planStage, ...options }: PlannerOptions,
): Promise<Planned> {
  const { compose, state } = context;
  // The running system's updater knows nothing about another system.
  const deployment =
    target === undefined
      ? (called ?? (await deploymentAt(root.location, host.deployments)))
      : undefined;
  const location = target?.location ?? deployment?.location ?? root.location;
  const given = options.id ?? target?.id;
  const foreign = target !== undefined;
  const { byId } = state.records();
  const known = idOfRoot(location, given, byId, deployment);
  const mode = bind ?? bindOf(byId.get(known));
  const wanted = await wantedOf(root, { ...readingFor(context), bind: mode, compose, foreign });
  const engines = new Set(wanted.bindings.map((binding) => binding.engine));
  const idIn = ({ records }: Situation) => idOfRoot(location, given, records, deployment);
  const isKnown = (given ?? deployment) !== undefined;
  const { downloadOnly = false } = host.options;
  return {
    engines,
    looked: { root: known, engines },
    id: isKnown ? idOfRoot(location, given, new Map(), deployment) : idIn,
    plan: (situation) => {
      const planned = plannedRoot(idIn(situation), location, deployment);
      const how = { downloadOnly, isShown };
      return planAs(context, context.registry, situation, planned, wanted, how);
    },
  };
}

/** A root that was read. */
export interface Planned extends Stageable {
  /** The engines to look at for a plan of the root. */
  readonly looked: Looked;
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
