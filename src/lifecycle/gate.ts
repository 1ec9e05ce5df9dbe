import type { Deployment } from '../deployment/deployment.ts';
import {
  hasNextRoot,
  isFinalisationLocked,
  lockFinalisation,
  queuedBy,
  unlockFinalisation,
} from '../deployment/finalisation.ts';
import type { Places } from '../deployment/places.ts';
import { type Context, readSituation, type Situation } from './context.ts';
import { forgetHeld, type Held, readHeld, writeHeld } from './gate-file.ts';
import { isLiving, type RootRecord } from './record.ts';
import { type Finding, judge } from './verify.ts';

export interface GateOptions {
  /** For how many days a root is held at most. */
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
    /** Images are missing, and it is let through: it was held for too long. */
    | 'overdue'
    /** Images are missing, and it can't be held: it is no ostree deployment. */
    | 'unheld'
    /** berth has no record of it, and lets it through. */
    | 'unknown';
  /** What is missing. */
  readonly findings: readonly Finding[];
  /** Since when it is held, ISO 8601. */
  readonly since?: string;
  /** What a gate can't do here, in words. */
  readonly warnings: readonly string[];
}

/**
 * Keeps a queued root from being finalised while images that it is bound to are known to be
 * missing. What is not known holds nothing: a berth that fails must not keep a host from its
 * updates. Asks the engine and the records alone, no registry.
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
  const { stateDirectory } = context;
  const warnings = hasNextRoot(places)
    ? ['a soft reboot enters /run/nextroot whatever is held: this gate only warns of that']
    : [];
  const by = queuedBy(places);
  if (staged === undefined || by === undefined) {
    return { root: undefined, decision: 'nothing', findings: [], warnings };
  }
  const root = staged.id;
  const held = readHeld(stateDirectory);
  const before = held !== undefined && isSameTree(held.root, root) ? held : undefined;
  const situation = await readSituation(context);
  const record = situation.records.get(root);
  if (record === undefined || !isLiving(record)) {
    return { root, decision: 'unknown', findings: [], warnings };
  }
  const findings = missing(record, situation);
  if (findings.length === 0) {
    // A lock that somebody else has made is none of berth's business.
    if (before?.locked === true) unlockFinalisation(places);
    forgetHeld(stateDirectory);
    return { root, decision: 'open', findings, warnings };
  }
  if (by === 'composefs') return { root, decision: 'unheld', findings, warnings };
  const now = new Date().toISOString();
  // A clock that was wrong may have written one that is still to come.
  const since =
    before !== undefined && Date.parse(before.since) <= Date.parse(now) ? before.since : now;
  const isOverdue = Date.parse(now) - Date.parse(since) > options.days * DAY;
  const entry: Omit<Held, 'locked'> = {
    root,
    since,
    time: now,
    reasons: findings.map(({ message }) => message),
  };
  if (isOverdue && options.afterwards === 'boot') {
    if (before?.locked === true) unlockFinalisation(places);
    writeHeld(stateDirectory, { ...entry, locked: false });
    return { root, decision: 'overdue', findings, since, warnings };
  }
  // Written first: a lock that berth can't remember it would never take away, nor count its days.
  const isOwn = before?.locked === true || !isFinalisationLocked(places);
  writeHeld(stateDirectory, { ...entry, locked: isOwn });
  lockFinalisation(places);
  return { root, decision: 'held', findings, since, warnings };
}

const DAY = 24 * 60 * 60 * 1000;

/**
 * Of what keeps a root from being ready, that which its next boot can't mend: pins and names are
 * made again then, images are not; and a problem of the root stays one however long it is held.
 */
function missing(record: RootRecord, situation: Situation): readonly Finding[] {
  return judge(record, situation).filter(({ code }) => {
    if (code === 'unfinished') return lacksImages(record.pending, situation);
    return code === 'image-missing' || code === 'digest-missing';
  });
}

/** Whether a stage that has begun was still to fetch something. */
function lacksImages(pending: RootRecord['pending'], { images }: Situation): boolean {
  if (pending === undefined) return false;
  return pending.unresolved.length > 0 || pending.images.some(({ id }) => !images.has(id));
}

/** ostree counts anew when a tree is deployed again: `checksum.serial`. */
function isSameTree(one: string, other: string): boolean {
  const checksum = (id: string) => id.replace(/\.\d+(@.*)?$/, '');
  return checksum(one) === checksum(other);
}
