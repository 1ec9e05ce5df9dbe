import { BerthError } from '../../common/errors.ts';
import { isTag } from '../../image/name.ts';
import { runningRoot } from '../../state/activation.ts';
import { isLiving, type RootRecord } from '../../state/record.ts';
import { type Context, changing } from '../context.ts';
import { type Drifted, driftedNames, recordDrift } from '../drift.ts';
import { aboutRoot } from '../events.ts';
import { pinAgain } from '../restore-pins.ts';
import { readSituation, recoverSituation, refuseElsewhere, type Situation } from '../situation.ts';
import { type Finding, judge, judgeAbsent } from '../verify.ts';

/** The root that has just been booted. */
export interface BootedRoot {
  readonly id: string;
  /** The names that the root's lock file ties to an image. */
  readonly locked: ReadonlySet<string>;
  /** Whether the root binds anything; a root that does not is ready without having been staged. */
  readonly needs: boolean;
}

export interface Activated {
  readonly id: string;
  /** Whether the root has a record. */
  readonly isStaged: boolean;
  /** Whether another root was booted than the last time. */
  readonly switched: boolean;
  /** How many pins were made again. */
  readonly pins: number;
  /** The names that were made to mean the image on record. */
  readonly moved: readonly string[];
  /** The names that somebody else has moved; they are left alone. */
  readonly drifted: readonly Drifted[];
  /** The findings that keep the root from being ready. */
  readonly findings: readonly Finding[];
}

/**
 * Makes the booted root's images ready to run, without a network: first makes lost pins of all roots
 * again, then moves names.
 *
 * If another root was booted than the last time, every name that the root uses is moved to the image
 * on its record. Else only locked names and names without an image are moved: a name that somebody
 * has moved, by auto-update or by hand, is drift, and is recorded, pinned and left alone.
 *
 * @throws {BerthError} `other-engine`
 */
export function activate(given: Context, { id, locked, needs }: BootedRoot): Promise<Activated> {
  const context = aboutRoot(given, id);
  return changing(context, 'exclusive', async () => {
    const situation = await recoverSituation(context);
    refuseElsewhere(situation, id);
    const first = context.state.activation.read() === undefined;
    const switched = runningRoot(context.state.activation, situation.records) !== id;
    sayHeld(context, id, switched);
    // The journal of an apply tells what to go back to, which is of no use after a boot into another root.
    if (switched) context.state.journal.forget();
    const activation = { root: id, ...(switched ? { time: new Date().toISOString() } : {}) };
    const pins = await pinAgain(context, situation, id);
    const record = situation.records.get(id);
    if (record === undefined || !isLiving(record)) {
      // No record says what the names should mean: from here on the root itself may move them.
      if (switched || first) context.state.activation.write(activation);
      const findings = needs ? judgeAbsent(id, situation) : [];
      return { id, isStaged: false, switched, pins, moved: [], drifted: [], findings };
    }
    const drifted = switched ? [] : driftedNames(record, situation.images, locked);
    const left = new Set(drifted.map(({ name }) => name));
    const { moved, failure } = await moveToRecord(context, record, situation.images, left);
    const after = moved.length + pins > 0 ? await readSituation(context) : situation;
    const settled = await settleDrift(context, record, after, drifted);
    // The next run, or boot, tries again.
    if (failure !== undefined) throw failure;
    if (switched || first) context.state.activation.write(activation);
    const end = settled ? await readSituation(context) : after;
    const findings = judge(end.records.get(id) ?? record, end);
    return { id, isStaged: true, switched, pins, moved, drifted, findings };
  });
}

/** Warns of a root that was held back at the shutdown, so that the journal of this boot says so too. */
function sayHeld({ state, report }: Context, id: string, switched: boolean): void {
  const held = state.gate.read();
  if (held === undefined) return;
  if (switched || held.root === id) return state.gate.forget();
  const [reason = ''] = held.reasons;
  const more = held.reasons.length > 1 ? ` and ${held.reasons.length - 1} more` : '';
  const message = `${held.root} was held back at ${held.time}: ${reason}${more}`;
  report({ event: 'warning', code: 'held-back', root: held.root, message });
}

async function moveToRecord(
  context: Context,
  record: RootRecord,
  images: Situation['images'],
  left: ReadonlySet<string>,
): Promise<{ moved: readonly string[]; failure: BerthError | undefined }> {
  const moved: string[] = [];
  let failure: BerthError | undefined;
  // All images of a stage that was cut off may be there, and only their names may be missing.
  for (const { id, names } of (record.staged ?? record.pending)?.images ?? []) {
    const image = images.get(id);
    if (image === undefined) continue;
    for (const { name } of names) {
      if (!isTag(name) || left.has(name) || image.names.includes(name)) continue;
      try {
        await context.engine.tag(id, name);
        context.report({ event: 'named', id, name });
        moved.push(name);
      } catch (error) {
        context.signal.throwIfAborted();
        if (!(error instanceof BerthError)) throw error;
        failure ??= error;
      }
    }
  }
  return { moved, failure };
}

/**
 * Records the drift of the running root, and forgets that of all other roots: only a root that runs
 * has drift.
 *
 * @returns whether anything changed.
 */
async function settleDrift(
  context: Context,
  record: RootRecord,
  situation: Situation,
  drifted: readonly Drifted[],
): Promise<boolean> {
  let changed = false;
  for (const other of situation.records.values()) {
    if (other.id !== record.id && other.drift === undefined) continue;
    const own = other.id === record.id ? drifted : [];
    if ((await recordDrift(context, other, situation, own)) !== other) changed = true;
  }
  return changed;
}
