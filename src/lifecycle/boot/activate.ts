import { isDeepStrictEqual } from 'node:util';
import { append } from '../../common/append.ts';
import type { EngineId } from '../../common/engine-id.ts';
import { BerthError } from '../../common/errors.ts';
import { enginesOf, isLiving, type RootRecord } from '../../state/record.ts';
import { type Context, changing, type EngineContext, onEngine } from '../context.ts';
import { type Drifted, driftedNames, recordDrift } from '../drift.ts';
import { refuseElsewhere } from '../elsewhere.ts';
import { aboutRoot } from '../events.ts';
import { pinAgain } from '../restore-pins.ts';
import {
  type EngineSituation,
  readSituation,
  recoverSituation,
  type Situation,
} from '../situation.ts';
import { type Finding, judge, judgeNone } from '../verify.ts';
import { openAtBoot } from './engines-at-boot.ts';
import { namesToMove } from './names-to-move.ts';
import { nothingLost } from './nothing-lost.ts';

/** The root that has just been booted. */
export interface BootedRoot {
  readonly id: string;
  /** The names that the root's lock file ties to an image. */
  readonly locked: ReadonlySet<string>;
  /** Whether the root binds anything; a root that does not is ready without having been staged. */
  readonly needs: boolean;
  /** The engines to look at: `enginesAtBoot`. */
  readonly engines: ReadonlySet<EngineId>;
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
export async function activate(
  given: Context,
  { id, locked, needs, engines }: BootedRoot,
): Promise<Activated> {
  const context = aboutRoot(given, id);
  if (engines.size === 0) return nothingToDo(context, id);
  const looked = { exactly: engines };
  // A podman may wait for what another activation, which waits for the lock, holds up in the boot.
  await openAtBoot(context, engines);
  const seen = await nothingLost(context, { id, locked, engines });
  if (seen !== undefined) return nothingDoneIn(seen, id);
  return changing(context, 'exclusive', async () => {
    const situation = await recoverSituation(context, looked);
    refuseElsewhere(situation, id);
    const before = context.state.activation.read();
    const switched = situation.running !== id;
    sayHeld(context, id, switched);
    // The journal of an apply tells what to go back to, which is of no use after a boot into another root.
    if (switched) context.state.journal.forget();
    const record = situation.records.get(id);
    const isStaged = record !== undefined && isLiving(record);
    const done = nothingDone();
    for (const on of situation.engines.values()) {
      if (on.engine.absence !== undefined) continue;
      const isNew = switched || before?.pending?.includes(on.engine.id) === true;
      done.pins += await pinAgain(context, situation.records, on, id);
      if (isStaged) await activateOn(onEngine(context, on.engine), on, { id, locked, isNew }, done);
    }
    // Without a record nothing says what the names should mean: from here on the root itself may move them.
    const { moved, pins } = done;
    const after = moved.length + pins > 0 ? await readSituation(context, looked) : situation;
    const drifts = isStaged && (await settleDrift(context, after, id, done.drifted));
    // The next run, or boot, tries again.
    if (done.failure !== undefined) throw done.failure;
    noteActivation(context, situation, id, switched);
    const drifted = done.drifted.flatMap((on) => on.names);
    const end = drifts ? await readSituation(context, looked) : after;
    const findings = isStaged
      ? judge(end.records.get(id) ?? record, end)
      : needs
        ? judgeNone()
        : [];
    return { id, isStaged, switched, pins, moved, drifted, findings };
  });
}

/** The activation of no engine, for which a service must not wait for another berth's lock. */
function nothingToDo({ state }: Context, id: string): Activated {
  const record = state.record(id);
  const isStaged = record !== undefined && isLiving(record);
  return { id, isStaged, switched: false, pins: 0, moved: [], drifted: [], findings: [] };
}

/** The activation of a root that is as it was after the last one. */
function nothingDoneIn(situation: Situation, id: string): Activated {
  const record = situation.records.get(id);
  const findings = record === undefined ? judgeNone() : judge(record, situation);
  return { id, isStaged: true, switched: false, pins: 0, moved: [], drifted: [], findings };
}

/** The work of an activation so far. */
interface Done {
  pins: number;
  readonly moved: string[];
  readonly drifted: { readonly engine: EngineId; readonly names: readonly Drifted[] }[];
  failure: BerthError | undefined;
}

function nothingDone(): Done {
  return { pins: 0, moved: [], drifted: [], failure: undefined };
}

/** Moves the names of the root on one engine. */
async function activateOn(
  context: EngineContext,
  on: EngineSituation,
  { id, locked, isNew }: Pick<BootedRoot, 'id' | 'locked'> & { readonly isNew: boolean },
  done: Done,
): Promise<void> {
  const record = on.records.get(id);
  if (record === undefined) return;
  const names = isNew ? [] : driftedNames(record, on.images, locked);
  const left = new Set(names.map(({ name }) => name));
  const { moved, failure } = await moveToRecord(context, record, on.images, left);
  append(done.moved, moved);
  done.drifted.push({ engine: on.engine.id, names });
  done.failure ??= failure;
}

/** Notes that the root runs, and on which of its engines names still have to be moved. */
function noteActivation(
  { state }: Context,
  { engines, records }: Situation,
  id: string,
  switched: boolean,
): void {
  const before = state.activation.read();
  const record = records.get(id);
  const own = record === undefined ? [] : [...enginesOf(record), ...(record.staged?.leftOut ?? [])];
  const isDone = (engine: EngineId) => engines.get(engine)?.engine.absence === undefined;
  const isLookedAt = (engine: EngineId) => engines.has(engine) && isDone(engine);
  const wasDone = (engine: EngineId) =>
    before?.root === id && before.pending?.includes(engine) !== true;
  const pending = own.filter((engine) => !isLookedAt(engine) && !wasDone(engine));
  const time = switched ? new Date().toISOString() : before?.time;
  const activation = {
    root: id,
    ...(time === undefined ? {} : { time }),
    ...(pending.length === 0 ? {} : { pending }),
  };
  if (!isDeepStrictEqual(before, activation)) state.activation.write(activation);
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
  context: EngineContext,
  record: RootRecord,
  images: EngineSituation['images'],
  left: ReadonlySet<string>,
): Promise<{ moved: readonly string[]; failure: BerthError | undefined }> {
  const moved: string[] = [];
  let failure: BerthError | undefined;
  for (const { id, name } of namesToMove(record, { engine: context.engine, images }, left)) {
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
  situation: Situation,
  id: string,
  drifted: Done['drifted'],
): Promise<boolean> {
  let changed = false;
  for (const before of situation.records.values()) {
    if (before.id !== id && before.drift === undefined) continue;
    let record = before;
    for (const on of situation.engines.values()) {
      if (on.engine.absence !== undefined || !on.records.has(record.id)) continue;
      const { names = [] } = drifted.find(({ engine }) => engine === on.engine.id) ?? {};
      record = await recordDrift(context, record, on, record.id === id ? names : []);
    }
    if (record !== before) changed = true;
  }
  return changed;
}
