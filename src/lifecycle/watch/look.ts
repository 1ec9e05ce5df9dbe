import type { EngineId } from '../../common/engine-id.ts';
import { BerthError } from '../../common/errors.ts';
import type { Wake } from '../../engine/wake.ts';
import type { Registry } from '../../registry/registry.ts';
import { isLiving, type RootRecord } from '../../state/record.ts';
import type { Context } from '../context.ts';
import { aboutRoot } from '../events.ts';
import { readSituation, type Situation } from '../situation.ts';
import { Ailments } from './ailments.ts';
import { heal } from './heal.ts';
import { type Lack, lacksOf } from './lacks.ts';
import type { Wakeups } from './wakeups.ts';

/** What happens to what somebody removes: it is put back, or stays removed until the next stage. */
export type OnForce = 'heal' | 'respect';

/** The parts of a watch that its engines share. */
export interface Watch {
  readonly context: Context;
  readonly registry: Registry;
  readonly onForce: OnForce;
  /** Runs each piece of work as a run of its own, whose caches end with it. */
  readonly asRun: <T>(work: () => Promise<T>) => Promise<T>;
  /** Called for a bug in berth, which ends the watch. */
  readonly fail: (error: unknown) => void;
}

/** Looks at one engine, when woken. */
export type Look = (why: Wake) => Promise<void>;

/** Puts back what the roots on one engine lack, each root by itself. */
export function healingLook(watch: Watch, engine: EngineId, wakeups: Wakeups): Look {
  const { context, asRun, fail } = watch;
  const roots = new Map<string, Patient>();
  const patient = (id: string) => {
    const known = roots.get(id) ?? newPatient(id, context);
    roots.set(id, known);
    return known;
  };
  const treat = async (root: string, one: Patient) => {
    one.isBusy = true;
    await asRun(() => tryToHeal(watch, { root, engine }, one.ailments));
    one.isBusy = false;
    if (one.isMissed) wakeups.wake('lost');
    if (one.ailments.isUnhealed) wakeLater(one, wakeups);
    one.isMissed = false;
  };
  return async () => {
    const situation = await asRun(() => readSituation(context, { exactly: new Set([engine]) }));
    for (const id of roots.keys()) if (!situation.records.has(id)) roots.delete(id);
    await situation.engines.get(engine)?.engine.renewPins?.();
    for (const record of livingFirst(situation)) {
      const one = patient(record.id);
      one.isMissed = one.isBusy;
      if (one.isBusy) continue;
      const now = performance.now();
      const lacks = lacksOf(record, situation);
      one.ailments.suspect(lacks, now);
      if (one.ailments.open(now).length > 0) {
        treat(record.id, one).catch(fail);
        continue;
      }
      one.ailments.see(lacks, now);
      if (one.ailments.isUnhealed) wakeLater(one, wakeups);
    }
  };
}

/** One root on one engine, whose losses are being put back. */
interface Patient {
  readonly ailments: Ailments;
  /** Whether a try to put back is under way. */
  isBusy: boolean;
  /** Whether a loss was heard of during that try: then another look is due. */
  isMissed: boolean;
  /** Wakes the look for the next try. */
  timer?: NodeJS.Timeout;
}

function newPatient(id: string, { report }: Context): Patient {
  return { ailments: new Ailments(id, report), isBusy: false, isMissed: false };
}

/** The living roots. The running one comes first, because its containers may need the image now. */
export function livingFirst({ records, running }: Situation): readonly RootRecord[] {
  return [...records.values()]
    .filter(isLiving)
    .sort((a, b) => Number(b.id === running) - Number(a.id === running));
}

async function tryToHeal(
  { context, registry }: Watch,
  place: { readonly root: string; readonly engine: EngineId },
  ailments: Ailments,
): Promise<void> {
  const began = performance.now();
  const fetches = ailments.rest(began) === 0;
  try {
    const onSeen = (lacks: readonly Lack[]) => ailments.see(lacks, performance.now());
    const options = { ...place, fetches, onSeen };
    const { left, isFetched, failures } = await heal(context, registry, options);
    ailments.tried(left, { began, isFetched }, performance.now());
    if (failures[0] !== undefined) sayFailed(context, place.root, ailments, failures[0]);
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof BerthError)) throw error;
    ailments.failed(performance.now());
    // Another berth process works on the root, and puts back what the root needs.
    if (error.code === 'lock-held') return;
    sayFailed(context, place.root, ailments, error);
  }
}

function sayFailed(context: Context, root: string, ailments: Ailments, error: BerthError): void {
  const seconds = Math.ceil(ailments.rest(performance.now()) / 1000);
  const message = `${root} is not whole again: ${error.message}; tried again in ${seconds} s`;
  aboutRoot(context, root).report({ event: 'warning', code: 'heal-failed', message });
}

function wakeLater(one: Patient, wakeups: Wakeups): void {
  clearTimeout(one.timer);
  const rest = one.ailments.rest(performance.now());
  one.timer = setTimeout(() => wakeups.wake('lost'), rest).unref();
}
