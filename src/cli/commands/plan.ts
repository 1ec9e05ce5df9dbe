import type { Command } from 'commander';
import type { Deployment } from '../../deployment/deployment.ts';
import type { InstallTarget } from '../../deployment/install-target.ts';
import { readSituation, type Situation } from '../../lifecycle/context.ts';
import { type Plan, type PlannedRoot, planStage } from '../../lifecycle/plan.ts';
import { recordedOf } from '../../lifecycle/reconcile.ts';
import { wantedOf } from '../../lifecycle/wanted.ts';
import type { Root } from '../../root/root.ts';
import { deploymentAt } from '../deployments.ts';
import { type RootOptions, withRootOptions } from '../options.ts';
import { print } from '../output.ts';
import { exitCodeOf, exitCodes } from '../render/failure.ts';
import { planFields, planTable, refsOf } from '../render/plan.ts';
import { printFailures, printProblems } from '../render/problems.ts';
import { shownLine } from '../render/shown.ts';
import { inSurroundings, type Surroundings } from '../surroundings.ts';
import { idOfRoot, letHeapGrow, withRoot } from '../target.ts';
import { howToBind } from './images.ts';

interface PlannerOptions extends RootOptions {
  readonly downloadOnly?: boolean;
}

/** `berth plan`: what `stage` would do. Changes nothing. */
export function definePlan(command: Command): void {
  withRootOptions(
    command.description(
      'Resolve every bound image of ROOT and show what `berth stage` would fetch, pin and drop. ' +
        'Nothing is changed.',
    ),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  berth plan ./rootfs\n  berth plan --bind all --format json /',
    )
    .action(async (spec: string | undefined, options: RootOptions) => {
      await inSurroundings(options, async (surroundings) => {
        const plan = await withRoot(
          spec,
          async (root, deployment) => {
            const planner = await plannerOf(surroundings, root, options, deployment);
            return planner.plan(await readSituation(surroundings));
          },
          options,
        );
        print(options.format, {
          json: () => ({ apiVersion: 'berth/v1', kind: 'Plan', ...planFields(plan) }),
          table: () => planTable(plan),
          refs: () => refsOf(plan),
        });
        printFailures(plan.failures);
        if (options.format !== 'json') printProblems(plan.problems);
        if (plan.lack !== undefined) printFailures([{ name: plan.root.id, error: plan.lack }]);
        sayNothingBound(plan);
        process.exitCode =
          exitCodeOf(plan.failures.map(({ error }) => error)) ||
          (plan.lack === undefined ? 0 : exitCodes.refused);
      });
    });
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
  const { compose } = surroundings;
  // What the running system's updater says has no meaning for another system.
  const deployment =
    target === undefined ? (called ?? (await deploymentAt(root.location, options))) : undefined;
  const location = target?.location ?? deployment?.location ?? root.location;
  const given = options.id ?? target?.id;
  const foreign = target !== undefined;
  const wanted = await wantedOf(root, { bind: options.bind, compose, foreign });
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

/** Nothing to do is seldom what was meant. */
export function sayNothingBound(plan: Plan): void {
  if (
    plan.images.length > 0 ||
    plan.provided.length > 0 ||
    plan.failures.length > 0 ||
    plan.problems.length > 0
  )
    return;
  process.stderr.write(shownLine(`Nothing of ${plan.root.location} is bound. ${howToBind}`));
}
