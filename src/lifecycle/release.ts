import { counted } from '../common/counted.ts';
import type { Pin } from '../engine/pin.ts';
import { placeOf, wantedImages } from '../state/record.ts';
import { isManual } from '../state/root-id.ts';
import * as transitions from '../state/transitions.ts';
import { type Context, changing, onEngine } from './context.ts';
import { refuseElsewhere } from './elsewhere.ts';
import { LifecycleError } from './error.ts';
import { aboutRoot } from './events.ts';
import { broughtByBerth } from './provenance.ts';
import { type EngineSituation, pinsIn, recoverSituation, type Situation } from './situation.ts';
import { moveNames } from './stage/settle-names.ts';

export interface ReleasedRoot {
  readonly id: string;
  /** How many pins were dropped. */
  readonly pins: number;
  /** How many images berth fetched for the root that no other root wants: `prune` may remove them. */
  readonly images: number;
}

/**
 * Drops a root's pins. The images stay until `prune`. Names by which other roots mean another image are
 * moved to that image. The record is changed last, so that a release that was killed can be run again.
 *
 * @throws {BerthError} `unknown-root` if neither a record nor a pin knows the id; `pinned` for
 * pins made by hand; `other-engine`.
 */
export async function release(given: Context, id: string): Promise<ReleasedRoot> {
  const context = aboutRoot(given, id);
  return changing(context, 'exclusive', async () => {
    const situation = await recoverSituation(context, { root: id });
    const { records } = situation;
    refuseElsewhere(situation, id);
    if (isManual(id)) throw pinnedByHand(id);
    const record = records.get(id);
    if (record === undefined) throw unknownRoot(id, [...records.keys()]);
    const brought = broughtByBerth(situation);
    const own = pinsIn(situation).filter((pin) => pin.root === id);
    sayUnproven(context, id, own, brought);
    for (const on of situation.engines.values()) await letGo(context, on, situation.running, id);
    const waited = waitedIn(situation);
    const left = new Set([...brought].filter((place) => !waited.has(place)));
    const released = transitions.released(record, left);
    context.state.settle(id, released);
    const others = [...records.values()].filter((other) => other.id !== id);
    const held = new Set(others.flatMap(wantedImages).map(placeOf));
    const free = (released?.released ?? []).filter((image) => !held.has(placeOf(image)));
    return { id, pins: own.length, images: free.length };
  });
}

/** The images that only waited for an engine that is absent: nothing is left of them. */
function waitedIn({ engines }: Situation): ReadonlySet<string> {
  const absent = [...engines.values()].filter(({ engine }) => engine.absence !== undefined);
  return new Set(
    absent.flatMap(({ engine, holds }) =>
      holds.map(({ id }) => placeOf({ engine: engine.id, id })),
    ),
  );
}

/** Drops a root's pins and waiting images on one engine, and moves names that other roots mean otherwise. */
async function letGo(
  context: Context,
  { engine, records, pins, holds }: EngineSituation,
  running: string | undefined,
  id: string,
): Promise<void> {
  const isOwn = ({ root }: Pin) => root === id;
  await engine.unpin(pins.filter(isOwn));
  await engine.tidyPins?.();
  await engine.depot?.drop(holds.filter(isOwn));
  const record = records.get(id);
  if (record === undefined || engine.absence !== undefined) return;
  const others = new Map([...records].filter(([other]) => other !== id));
  const names = wantedImages(record).flatMap((image) => image.names.map(({ name }) => name));
  await moveNames(onEngine(context, engine), { records: others, running }, names, record);
}

/** Warns of pins that only claim that berth fetched their images: without the pins nobody could tell. */
function sayUnproven(
  { report }: Context,
  id: string,
  pins: readonly Pin[],
  brought: ReadonlySet<string>,
): void {
  const unproven = pins.filter((pin) => pin.unproven === true && !brought.has(placeOf(pin)));
  if (unproven.length === 0) return;
  const message = `the pins of ${id} claim that berth fetched ${counted(unproven.length, 'image')}, but nothing proves it: \`berth prune\` leaves them; remove with \`podman rmi\` what nobody needs`;
  report({ event: 'warning', code: 'unproven-pins', root: id, message });
}

function unknownRoot(id: string, known: readonly string[]): LifecycleError {
  const roots = known.filter((other) => !isManual(other));
  return new LifecycleError('unknown-root', `no root ${id} is known here`, {
    hint: roots.length === 0 ? 'nothing is staged' : `known are ${roots.join(', ')}`,
    kind: 'usage',
  });
}

function pinnedByHand(id: string): LifecycleError {
  return new LifecycleError('pinned', `${id} is the id of pins made by hand, not of a root`, {
    hint: 'drop them with `berth unpin`',
    kind: 'refused',
  });
}
