import { asRecorded, type Wanted } from '../../binding/wanted.ts';
import type { Registry } from '../../registry/registry.ts';
import { runningRoot } from '../../state/activation.ts';
import { leftUndone } from '../../state/apply-journal.ts';
import type { RootRecord } from '../../state/record.ts';
import type { ServiceManager } from '../../systemctl/services.ts';
import { type Context } from '../context.ts';
import { LifecycleError } from '../error.ts';
import { aboutRoot } from '../events.ts';
import { type Plan, type PlannedRoot, planStage } from '../plan/plan.ts';
import { refuseElsewhere, type Situation } from '../situation.ts';
import { type Staged, stage } from '../stage/stage.ts';
import { judgeServices, look, newAndIdle } from './look.ts';
import { type RolledOut, rollOut } from './roll-out.ts';
import type { Watch } from './watch.ts';

/** The outcome of each service. Without services if an image could not be fetched: nothing was touched. */
type Outcome = Pick<RolledOut, 'services' | 'idle'>;

export interface Applied extends Outcome {
  readonly staged: Staged;
}

/**
 * Stages the running root with names resolved anew, and restarts the services that use changed images.
 * No name moves before all images are there. A service that does not come up goes back to the image that
 * it ran before.
 *
 * After an apply that was killed at any moment, the next one goes on from there, without a registry.
 *
 * @param plan as `planApply` makes it.
 */
export async function apply(
  context: Context,
  manager: ServiceManager,
  id: string | ((situation: Situation) => string),
  plan: (situation: Situation) => Promise<Plan>,
  watch: Watch,
): Promise<Applied> {
  let done: Outcome = { services: [], idle: [] };
  const current = async (situation: Situation) => {
    const planned = await plan(situation);
    // If another stage has ended since, the journal is out of date: names must not go back further.
    if (begunIn(situation, planned.root.id) === undefined) context.state.journal.forget();
    return planned;
  };
  const staged = await stage(context, id, current, async (root, whole) => {
    const { contents, ...rest } = await rollOut(
      aboutRoot(context, root.id),
      manager,
      watch,
      root,
      whole,
    );
    done = rest;
    return contents;
  });
  if (staged.plan.failures.length + staged.failures.length === 0) {
    context.state.journal.forget();
  }
  return { staged, ...done };
}

/** The services that `apply` would restart. Changes nothing. */
export async function previewApply(
  context: Context,
  manager: ServiceManager,
  plan: Plan,
  situation: Situation,
): Promise<Outcome> {
  const { id } = plan.root;
  const journal = begunIn(situation, id) && leftUndone(context.state.journal, id);
  const seen = await look(context, manager, plan.images, situation.records.get(id), journal);
  return { services: judgeServices(seen, journal), idle: newAndIdle(seen) };
}

/**
 * Plans with every name resolved anew by the registry, unless an earlier apply was killed: that apply is
 * brought to its end first.
 *
 * @throws {BerthError} `no-services`; `other-engine`; `not-live` for a root that does not run.
 */
export function planApply(
  context: Context,
  registry: Registry,
  situation: Situation,
  root: PlannedRoot,
  wanted: Wanted,
): Promise<Plan> {
  refuseNoServices(context);
  refuseElsewhere(situation, root.id);
  refuseNotLive(context, situation, root);
  const record = situation.records.get(root.id);
  const begun = leftUndone(context.state.journal, root.id) && begunIn(situation, root.id);
  if (record === undefined || begun === undefined) {
    return planStage(context, registry, situation, root, wanted, { known: unstaged(record) });
  }
  const known = { ...record, staged: begun };
  return planStage(context, registry, situation, root, asRecorded(wanted, known), { known });
}

function begunIn({ records }: Situation, id: string): RootRecord['pending'] {
  return records.get(id)?.pending;
}

function unstaged(record: RootRecord | undefined): RootRecord | undefined {
  if (record === undefined) return undefined;
  const { staged: _staged, ...rest } = record;
  return rest;
}

function refuseNotLive(context: Context, { records }: Situation, root: PlannedRoot): void {
  const running = runningRoot(context.state.activation, records);
  const isLive =
    root.deployment === undefined
      ? running === root.id || (running === undefined && root.location === '/')
      : root.deployment.role === 'booted';
  if (isLive) return;
  const message = `expected the root that runs${running === undefined ? '' : `, ${running}`}; found ${root.id}, which does not`;
  throw new LifecycleError('not-live', message, {
    hint: 'boot it; `berth stage` gets it ready for that',
    kind: 'refused',
  });
}

function refuseNoServices({ engine }: Context): void {
  if (engine.containers !== undefined) return;
  const message = `expected an engine that runs what services start, found ${engine.id}`;
  throw new LifecycleError('no-services', message, { hint: 'say --engine podman', kind: 'usage' });
}
