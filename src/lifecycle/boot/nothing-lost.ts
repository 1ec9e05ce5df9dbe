import { type EngineId, groupOf } from '../../common/engine-id.ts';
import { enginesOf, isLiving } from '../../state/record.ts';
import type { Context } from '../context.ts';
import { driftedNames, hasDrifted } from '../drift.ts';
import { lostPins } from '../restore-pins.ts';
import { type EngineSituation, readSituation, type Situation } from '../situation.ts';
import { namesToMove } from './names-to-move.ts';

interface RunningRoot {
  readonly id: string;
  /** The names that the root's lock file ties to an image. */
  readonly locked: ReadonlySet<string>;
}

/**
 * Looks, without any lock, whether an activation has nothing to do on engines that have services of their own. These
 * services run the activation at each start, and must not wait for another berth that is at work.
 *
 * @returns what was seen; undefined if there is something to do, or an engine may not be looked at this way.
 */
export async function nothingLost(
  context: Context,
  { id, locked, engines }: RunningRoot & { readonly engines: ReadonlySet<EngineId> },
): Promise<Situation | undefined> {
  const last = context.state.activation.read();
  const record = context.state.record(id);
  if (last?.root !== id || record === undefined || !isLiving(record)) return undefined;
  const own = enginesOf(record);
  for (const engine of engines) {
    const isPending = last.pending?.includes(engine) === true || !own.has(engine);
    if (isPending || groupOf(engine) === 'system') return undefined;
  }
  const situation = await readSituation(context, { exactly: engines });
  const isWhole = [...situation.engines.values()].every((on) => isWholeOn(on, { id, locked }));
  const isRecovered = situation.records.size > context.state.records().byId.size;
  return isWhole && !isRecovered && !hasDrifted(record, situation, locked) ? situation : undefined;
}

function isWholeOn(on: EngineSituation, { id, locked }: RunningRoot): boolean {
  if (on.engine.absence !== undefined) return true;
  if ([...on.records.values()].some((record) => lostPins(record, on).length > 0)) return false;
  const record = on.records.get(id);
  if (record === undefined) return true;
  const drifted = driftedNames(record, on.images, locked);
  const left = new Set(drifted.map(({ name }) => name));
  return namesToMove(record, on, left).length === 0;
}
