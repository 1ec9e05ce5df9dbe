import { engineParts } from '../../common/engine-id.ts';
import type { Deployment } from '../../deployment/deployment.ts';
import { lockFinalisation, queuedBy, unlockFinalisation } from '../../deployment/finalisation.ts';
import type { Places } from '../../deployment/places.ts';
import type { RootRecord } from '../../state/record.ts';
import type { Context } from '../context.ts';
import type { Finding } from '../verify.ts';
import { findingsOn, isMissing, isUnseen } from './findings.ts';

export interface GateOptions {
  /** For how many days at most the host is held, over all roots that are held one after the other. */
  readonly days: number;
  /** What happens after these days: the root is booted as it is, or held on. */
  readonly afterwards: 'boot' | 'hold';
}

export interface Gated {
  /** The queued root; undefined if none is. */
  readonly root: string | undefined;
  readonly decision: /** No root is queued. */
    | 'nothing'
    /** The root is ready, and is let through. */
    | 'open'
    /** Images are missing, and the root is held. */
    | 'held'
    /** Images are missing, and the root is let through: the host was held for too long. */
    | 'overdue'
    /** Images are missing, and the root can't be held: it is no ostree deployment. */
    | 'unheld'
    /** berth has no record of the root, or can't look at all of its images, and lets it through. */
    | 'unknown';
  /** The images that are missing, or that can't be looked at. */
  readonly findings: readonly Finding[];
  /** Since when the host is held, ISO 8601. */
  readonly since?: string;
}

/**
 * Keeps a queued root from being finalised while images that the root binds are known to be missing.
 * A root of which berth can't tell is not held: a berth that fails must not keep a host from its
 * updates. Asks the engine and the records, but no registry.
 *
 * The days count from the first root that was held until a root is let through. Where a new root is
 * built every night, no single root is held for long, but the host would be held for ever.
 *
 * @param staged the deployment that is queued.
 * @throws {BerthError} if the root can't be judged; then it is not held.
 */
export async function gate(
  context: Context,
  staged: Pick<Deployment, 'id'> | undefined,
  places: Places,
  options: GateOptions,
): Promise<Gated> {
  const { state } = context;
  const by = queuedBy(places);
  if (staged === undefined || by === undefined) {
    return { root: undefined, decision: 'nothing', findings: [] };
  }
  const root = staged.id;
  // Remove our lock from an earlier run first: if anything below throws, the host must not stay locked.
  unlockFinalisation(places);
  const found = await findingsOn(context, root);
  const record = state.record(root);
  const findings = found?.filter((one) => isLost(one, record)) ?? [];
  if (findings.length === 0) {
    state.gate.forget();
    const unread = found?.filter(isUnseen) ?? [];
    const decision = found === undefined || unread.length > 0 ? 'unknown' : 'open';
    const taken = found?.filter(isMissing) ?? [];
    return { root, decision, findings: [...unread, ...taken] };
  }
  if (by === 'composefs') return { root, decision: 'unheld', findings };
  const now = new Date().toISOString();
  const before = state.gate.read()?.since;
  // A clock that was wrong may have written a time that is still to come.
  const since = before !== undefined && Date.parse(before) <= Date.parse(now) ? before : now;
  const isOverdue = Date.parse(now) - Date.parse(since) >= options.days * DAY;
  // The note is written before the lock: nobody would count the days of a lock without a note.
  const reasons = findings.map(({ message }) => message);
  state.gate.write({ root, since, time: now, reasons });
  if (isOverdue && options.afterwards === 'boot') {
    return { root, decision: 'overdue', findings, since };
  }
  lockFinalisation(places);
  return { root, decision: 'held', findings, since };
}

const DAY = 24 * 60 * 60 * 1000;

/**
 * Whether a missing image holds the root. What berth brought into a user's podman and the user has taken away
 * since does not: no user may keep a host from its updates.
 */
function isLost(finding: Finding, record: RootRecord | undefined): boolean {
  if (!isMissing(finding)) return false;
  const isOfUser = finding.engine !== undefined && engineParts(finding.engine).user !== undefined;
  return !isOfUser || record?.staged === undefined || record.pending !== undefined;
}
