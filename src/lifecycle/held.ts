import type { Role } from '../deployment/deployment.ts';
import { isLiving, type RecordDeployment, type RootRecord } from '../state/record.ts';
import * as transitions from '../state/transitions.ts';
import { type Context, changingRoot } from './context.ts';
import { type Situation } from './situation.ts';

interface LivingRoot {
  readonly id: string;
  readonly role: Role | 'held';
  readonly ready: boolean;
}

const DAY = 24 * 60 * 60 * 1000;

/**
 * Whether a root that its updater does not know any more keeps its pins: the root was queued, was
 * dropped before it was finalised, and no newer root is ready yet.
 *
 * @param roots the living roots, as reconcile found them.
 * @param days for how many days the root is held at most.
 */
export function isHeld(
  { state }: Pick<Context, 'state'>,
  { deployment, staged, pending }: RootRecord,
  { records }: Situation,
  roots: readonly LivingRoot[],
  days: number,
): boolean {
  if (deployment?.role !== 'staged' && deployment?.role !== 'held') return false;
  if (deployment.finalised === true) return false;
  const since = sinceOf(deployment);
  if (since !== undefined && Date.now() - since > days * DAY) return false;
  const time = (staged ?? pending)?.time ?? '';
  // The running root may be staged anew at any time: it counts as newer only if it was booted since.
  const activation = state.activation.read();
  const timeOf = ({ id, role }: LivingRoot) =>
    (role === 'booted'
      ? activation?.root === id && activation.time
      : records.get(id)?.staged?.time) || '';
  return !roots.some((root) => root.ready && timeOf(root) > time);
}

/** When the root began to be held. A time in the future comes from a wrong clock, and does not count. */
function sinceOf({ since = '' }: RecordDeployment): number | undefined {
  const time = Date.parse(since);
  return time <= Date.now() ? time : undefined;
}

/**
 * Notes the time from which the root is held, unless it is noted already.
 *
 * @returns whether the record was changed.
 */
export async function hold(context: Context, { id, deployment }: RootRecord): Promise<boolean> {
  if (deployment !== undefined && sinceOf(deployment) !== undefined) return false;
  return changingRoot(context, id, async () => {
    const record = context.state.record(id);
    // Another berth may have released the root meanwhile.
    if (record?.deployment === undefined || !isLiving(record)) return false;
    if (sinceOf(record.deployment) !== undefined) return false;
    context.state.write(transitions.held(record, record.deployment, new Date().toISOString()));
    return true;
  });
}
