import type { EngineId } from '../../common/engine-id.ts';
import type { Wake } from '../../engine/wake.ts';
import { isLiving, type RootRecord } from '../../state/record.ts';
import { readSituation, type Situation } from '../situation.ts';
import { lacksOf } from './lacks.ts';
import type { Wakeups } from './wakeups.ts';
import type { Watch } from './watch-parts.ts';
import { WatchedRoot } from './watched-root.ts';

/** Looks at one engine, when woken. */
export type Look = (why: Wake) => Promise<void>;

/** Puts back what the roots on one engine lack, each root by itself. */
export function lookToPutBack(watch: Watch, engine: EngineId, wakeups: Wakeups): Look {
  const { context, asRun } = watch;
  const roots = new Map<string, WatchedRoot>();
  return async () => {
    if (areAllBusy(roots)) return;
    const situation = await asRun(() => readSituation(context, { exactly: new Set([engine]) }));
    await situation.engines.get(engine)?.engine.renewPins?.();
    for (const id of roots.keys()) if (!situation.records.has(id)) roots.delete(id);
    for (const record of livingFirst(situation)) {
      const root = roots.get(record.id) ?? new WatchedRoot(watch, record.id, engine, wakeups);
      roots.set(record.id, root);
      root.look(lacksOf(record, situation));
    }
  };
}

/**
 * Whether every known root is being put back just now: berth's own work wakes the look again and again, and each root
 * asks for another look when it ends.
 */
function areAllBusy(roots: ReadonlyMap<string, WatchedRoot>): boolean {
  const busy = [...roots.values()].filter((root) => root.isBusy);
  if (busy.length === 0 || busy.length < roots.size) return false;
  for (const root of busy) root.missLook();
  return true;
}

/** The living roots. The running one comes first, because its containers may need the image now. */
export function livingFirst({ records, running }: Situation): readonly RootRecord[] {
  return [...records.values()]
    .filter(isLiving)
    .sort((a, b) => Number(b.id === running) - Number(a.id === running));
}
