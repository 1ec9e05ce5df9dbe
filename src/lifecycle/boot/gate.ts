import type { Deployment } from '../../deployment/deployment.ts';
import {
  hasNextRoot,
  lockFinalisation,
  queuedBy,
  unlockFinalisation,
} from '../../deployment/finalisation.ts';
import type { Places } from '../../deployment/places.ts';
import { isLiving } from '../../state/record.ts';
import { type Context } from '../context.ts';
import { readSituation, type Situation } from '../situation.ts';
import { type Finding, judge } from '../verify.ts';

export interface GateOptions {
  /** For how many days the host is held at most, from whatever roots. */
  readonly days: number;
  /** What becomes of it then: it is booted as it is, or held on. */
  readonly afterwards: 'boot' | 'hold';
}

export interface Gated {
  /** The queued root; undefined if none is. */
  readonly root: string | undefined;
  readonly decision: /** Nothing is queued. */
    | 'nothing'
    /** It is ready, and is let through. */
    | 'open'
    /** Images are missing, and it is held. */
    | 'held'
    /** Images are missing, and it is let through: the host was held for too long. */
    | 'overdue'
    /** Images are missing, and it can't be held: it is no ostree deployment. */
    | 'unheld'
    /** berth has no record of it, or can't look at all of its images, and lets it through. */
    | 'unknown';
  /** What is missing, or can't be looked at. */
  readonly findings: readonly Finding[];
  /** Since when the host is held, ISO 8601. */
  readonly since?: string;
  /** What a gate can't do here, in words. */
  readonly warnings: readonly string[];
}

/**
 * Keeps a queued root from being finalised while images that it is bound to are known to be
 * missing. What is not known holds nothing: a berth that fails must not keep a host from its
 * updates. Asks the engine and the records alone, no registry.
 *
 * The days count from the first root that was held until one is let through: where a new one is
 * built every night, none of them is held for long, and the host must not be for ever.
 *
 * @param staged the deployment that is queued.
 * @throws {BerthError} what keeps it from being judged: then it is not held.
 */
export async function gate(
  context: Context,
  staged: Pick<Deployment, 'id'> | undefined,
  places: Places,
  options: GateOptions,
): Promise<Gated> {
  const { state } = context;
  const warnings = hasNextRoot(places)
    ? ['a soft reboot enters /run/nextroot whatever is held: this gate only warns of that']
    : [];
  const by = queuedBy(places);
  if (staged === undefined || by === undefined) {
    return { root: undefined, decision: 'nothing', findings: [], warnings };
  }
  const root = staged.id;
  // Of an earlier run in this boot; whatever comes from here on, what is not known holds nothing.
  unlockFinalisation(places);
  const found = findingsOf(root, await readSituation(context));
  const findings = found?.filter(isMissing) ?? [];
  if (findings.length === 0) {
    state.gate.forget();
    const unread = found?.filter(({ code }) => code === 'store-unread') ?? [];
    const decision = found === undefined || unread.length > 0 ? 'unknown' : 'open';
    return { root, decision, findings: unread, warnings };
  }
  if (by === 'composefs') return { root, decision: 'unheld', findings, warnings };
  const now = new Date().toISOString();
  const before = state.gate.read()?.since;
  // A clock that was wrong may have written one that is still to come.
  const since = before !== undefined && Date.parse(before) <= Date.parse(now) ? before : now;
  const isOverdue = Date.parse(now) - Date.parse(since) >= options.days * DAY;
  // Written first: nobody would count the days of a lock that berth can't remember.
  const reasons = findings.map(({ message }) => message);
  state.gate.write({ root, since, time: now, reasons });
  if (isOverdue && options.afterwards === 'boot') {
    return { root, decision: 'overdue', findings, since, warnings };
  }
  lockFinalisation(places);
  return { root, decision: 'held', findings, since, warnings };
}

const DAY = 24 * 60 * 60 * 1000;

/** @returns undefined if there is no record of the root. */
function findingsOf(root: string, situation: Situation): readonly Finding[] | undefined {
  const record = situation.records.get(root);
  return record === undefined || !isLiving(record) ? undefined : judge(record, situation);
}

/**
 * Whether it is what the next boot can't mend: pins and names are made then, images are not. A
 * problem of the root stays one however long it is held.
 */
function isMissing({ code }: Finding): boolean {
  return code === 'image-missing' || code === 'digest-missing' || code === 'unresolved';
}
