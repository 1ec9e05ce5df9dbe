import { asRecorded, type Wanted } from '../../binding/wanted.ts';
import type { EngineId } from '../../common/engine-id.ts';
import type { Registry } from '../../registry/registry.ts';
import { afterAnotherStage, type Journal, leftUndone } from '../../state/apply-journal.ts';
import { type Contents, inOrder, type RecordImage, type RootRecord } from '../../state/record.ts';
import type { ServiceManager } from '../../systemctl/services.ts';
import { type Context, type EngineContext, onOwn } from '../context.ts';
import { refuseElsewhere } from '../elsewhere.ts';
import { LifecycleError } from '../error.ts';
import { aboutRoot } from '../events.ts';
import { type Plan, type PlannedRoot, planStage } from '../plan/plan.ts';
import type { Situation } from '../situation.ts';
import { type PutToUse, type Stageable, type Staged, stage } from '../stage/stage.ts';
import { judgeServices, look, newAndIdle } from './look.ts';
import { sayNotRestarted } from './not-restarted.ts';
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
  { plan, ...root }: Stageable,
  watch: Watch,
): Promise<Applied> {
  const own = await onOwn(context);
  let done: Outcome = { services: [], idle: [] };
  const current = async (situation: Situation) => {
    const planned = await plan(situation);
    const left = leftBefore(context, situation, planned.root.id);
    if (left === undefined) context.state.journal.forget();
    else context.state.journal.write(left);
    return planned;
  };
  const putToUse: PutToUse = async (record, whole) => {
    const [here, elsewhere] = partsOf(whole, own.engine.id);
    const about = aboutRoot(own, record.id);
    sayNotRestarted(about, whole.images, record.staged);
    const { contents, ...rest } = await rollOut(about, manager, watch, record, here);
    done = rest;
    return { ...contents, images: inOrder([...contents.images, ...elsewhere]) };
  };
  const staged = await stage(context, { ...root, plan: current }, putToUse);
  if (staged.plan.failures.length + staged.failures.length === 0) {
    context.state.journal.forget();
  }
  return { staged, ...done };
}

/** The contents on the engine whose services are restarted, and the images of the other engines. */
function partsOf(
  { images, ...rest }: Contents,
  id: EngineId,
): readonly [Contents, readonly RecordImage[]] {
  const here = images.filter(({ engine }) => engine === id);
  return [{ ...rest, images: here }, images.filter(({ engine }) => engine !== id)];
}

/** The services that `apply` would restart. Changes nothing. */
export async function previewApply(
  given: Context,
  manager: ServiceManager,
  plan: Plan,
  situation: Situation,
): Promise<Outcome> {
  const { id } = plan.root;
  const context = await onOwn(given);
  const journal = leftBefore(context, situation, id);
  const images = plan.images.filter(({ engine }) => engine === context.engine.id);
  sayNotRestarted(aboutRoot(context, id), plan.images, situation.records.get(id)?.staged);
  const seen = await look(context, manager, images, situation.records.get(id), journal);
  return { services: judgeServices(seen, journal), idle: newAndIdle(seen) };
}

/**
 * Plans with every name resolved anew by the registry, unless an earlier apply was killed: that apply is
 * brought to its end first.
 *
 * @throws {BerthError} `no-services`; `other-engine`; `not-live` for a root that does not run.
 */
export async function planApply(
  context: Context,
  registry: Registry,
  situation: Situation,
  root: PlannedRoot,
  wanted: Wanted,
): Promise<Plan> {
  refuseNoServices(await onOwn(context));
  refuseElsewhere(situation, root.id);
  refuseNotLive(situation, root);
  const record = situation.records.get(root.id);
  const begun = leftUndone(context.state.journal, root.id) && begunIn(situation, root.id);
  if (record === undefined || begun === undefined) {
    return planStage(context, registry, situation, root, wanted, { known: unstaged(record) });
  }
  const known = { ...record, staged: begun };
  return planStage(context, registry, situation, root, asRecorded(wanted, known), { known });
}

/** What an apply that was killed left undone, as far as it still counts. */
function leftBefore({ state }: Context, situation: Situation, id: string): Journal | undefined {
  const left = leftUndone(state.journal, id);
  if (left === undefined || begunIn(situation, id) !== undefined) return left;
  return afterAnotherStage(left);
}

function begunIn({ records }: Situation, id: string): RootRecord['pending'] {
  return records.get(id)?.pending;
}

function unstaged(record: RootRecord | undefined): RootRecord | undefined {
  if (record === undefined) return undefined;
  const { staged: _staged, ...rest } = record;
  return rest;
}

function refuseNotLive({ running }: Situation, root: PlannedRoot): void {
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

function refuseNoServices({ engine }: EngineContext): void {
  if (engine.containers !== undefined) return;
  const message = `expected an engine that runs what services start, found ${engine.id}`;
  throw new LifecycleError('no-services', message, { hint: 'say --engine podman', kind: 'usage' });
}
