import type { EngineId } from '../common/engine-id.ts';
import type { EngineImage } from '../engine/engine.ts';
import type { PinnedName, PinRequest } from '../engine/pin.ts';
import { digestOf } from '../image/name.ts';
import { formatPlatform, hostPlatform } from '../image/platform.ts';
import { placeOf, type RecordImage, type RootRecord } from '../state/record.ts';
import { isManual, MANUAL } from '../state/root-id.ts';
import * as transitions from '../state/transitions.ts';
import { idsCalled, isCalled, nameForPin } from './called.ts';
import {
  type Context,
  changing,
  changingRoot,
  type EngineContext,
  onEngine,
  onUsual,
} from './context.ts';
import { refuseElsewhere } from './elsewhere.ts';
import { LifecycleError } from './error.ts';
import { broughtByBerth } from './provenance.ts';
import { pinsIn, recordsOn, recoverSituation, type Situation, situationOn } from './situation.ts';
import { moveNames } from './stage/settle-names.ts';

/**
 * Pins images that are present, by hand.
 *
 * @param id the id of pins made by hand under which they are pinned.
 * @param names full names, or digests or ids of images.
 * @throws {BerthError} `no-such-image` if an image is not there; then nothing is pinned.
 */
export async function pinByHand(
  given: Context,
  id: string,
  names: readonly string[],
): Promise<readonly PinRequest['id'][]> {
  return changing(given, 'shared', async () => {
    const context = await onUsual(given);
    const situation = await recoverSituation(context);
    const { images } = situationOn(situation, context.engine.id);
    refuseElsewhere(situation, id);
    const brought = broughtByBerth(situation);
    const found = names.map((name) => ({ name, image: presentImage(name, images.values()) }));
    for (const { name, image } of found) {
      const digest = digestOf(name, image.digests) ?? image.id;
      await addManualPin(context, id, {
        id: image.id,
        platform: formatPlatform(hostPlatform()),
        names: [{ name: nameForPin(image, name), digest, manifest: digest }],
        fetched: brought.has(placeOf({ engine: context.engine.id, id: image.id })),
      });
    }
    return found.map(({ image }) => image.id);
  });
}

/** Adds one image to the pins made by hand under an id, in the engine and on record. */
export async function addManualPin(
  context: EngineContext,
  id: string,
  image: Omit<PinRequest, 'record'>,
): Promise<void> {
  await changingRoot(context, id, async () => {
    const time = new Date().toISOString();
    const record = context.state.record(id);
    const { id: engine } = context.engine;
    const served = servedBy({ ...image, engine }, record);
    const entry: RecordImage = {
      id: image.id,
      manifest: served[0]?.manifest ?? image.id,
      platform: image.platform,
      size: 0,
      fetched: image.fetched,
      names: served.map(({ name, digest }) => ({ name, digest, references: [] })),
      engine,
    };
    const root = { id, engine };
    context.state.write(transitions.pinned(record, root, entry, time));
    const pinned = { location: '', images: 0, problems: 0, staged: time };
    await context.engine.pin(id, [{ ...image, names: served, record: pinned }]);
  });
  const name = image.names[0]?.name ?? image.id;
  context.report({ event: 'pinned', id: image.id, name, root: id });
}

/** The names that an image serves under an id of pins made by hand: the earlier ones, and the new. */
export function servedBy(
  { names, ...image }: Pick<PinRequest, 'id' | 'names'> & { readonly engine: EngineId },
  before: RootRecord | undefined,
): readonly PinnedName[] {
  const place = placeOf(image);
  const known = (before?.staged?.images ?? []).filter((one) => placeOf(one) === place);
  const earlier = known.flatMap((image) =>
    image.names.map(({ name, digest }) => ({ name, digest, manifest: image.manifest })),
  );
  return [...new Map([...earlier, ...names].map((one) => [one.name, one])).values()];
}

/**
 * Drops pins made by hand.
 *
 * @param what the user's word: the NAME of `pull --pin NAME`, or an image.
 * @param names the full names or ids that `what` may mean as an image.
 * @returns the ids of the images that were unpinned.
 * @throws {BerthError} `pinned` if only a root pins the image; `not-pinned` if nothing does.
 */
export async function unpin(
  context: Context,
  what: string,
  names: readonly string[],
): Promise<readonly string[]> {
  return changing(context, 'exclusive', async () => {
    const situation = await recoverSituation(context);
    const groups = [what, `${MANUAL}.${what}`].filter(
      (id) => isManual(id) && situation.records.has(id),
    );
    const held = idsCalled(names, situation);
    const pins = pinsIn(situation).filter(
      ({ root, id }) =>
        isManual(root) && (groups.length > 0 ? groups.includes(root) : held.has(id)),
    );
    if (pins.length === 0) throw notByHand(what, held, situation);
    const brought = broughtByBerth(situation);
    for (const [engine, own] of Map.groupBy(pins, (pin) => pin.engine)) {
      await situationOn(situation, engine).engine.unpin(own);
    }
    const records = new Map(situation.records);
    for (const [root, own] of Map.groupBy(pins, (pin) => pin.root)) {
      const record = situation.records.get(root);
      if (record === undefined) continue;
      const left = transitions.unpinned(record, new Set(own.map(placeOf)), brought);
      context.state.settle(root, left);
      if (left === undefined) records.delete(root);
      else records.set(root, left);
    }
    // Roots that mean another image by these names may have waited for them.
    for (const [id, own] of Map.groupBy(pins, (pin) => pin.engine)) {
      const served = own.flatMap((pin) => pin.names.map(({ name }) => name));
      const on = onEngine(context, situationOn(situation, id).engine);
      const moving = { records: recordsOn(records, id), running: situation.running };
      await moveNames(on, moving, served, undefined);
    }
    return [...new Set(pins.map(({ id }) => id))];
  });
}

function presentImage(name: string, images: Iterable<EngineImage>): EngineImage {
  for (const image of images) if (image.artifact !== true && isCalled(image, name)) return image;
  throw new LifecycleError('no-such-image', `${name} is not there, so it can't be pinned`, {
    hint: `fetch it first: berth pull ${name}`,
  });
}

function notByHand(what: string, ids: ReadonlySet<string>, situation: Situation): LifecycleError {
  const { records } = situation;
  const holding = pinsIn(situation)
    .filter((pin) => ids.has(pin.id) || pin.root === what)
    .map((pin) => pin.root);
  const roots = [...new Set(records.has(what) ? [what, ...holding] : holding)];
  const [root] = roots;
  if (root === undefined) {
    return new LifecycleError('not-pinned', `${what} is not pinned`, {
      hint: '`berth pins` lists what is',
    });
  }
  const message = root === what ? `${what} is a root` : `${what} is pinned for ${roots.join(', ')}`;
  return new LifecycleError('pinned', message, {
    hint: `\`berth release ${root}\` drops all pins of that root`,
    kind: 'refused',
  });
}
