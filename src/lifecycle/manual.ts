import type { EngineImage, PinRequest } from '../engine/engine.ts';
import { BerthError } from '../errors.ts';
import { formatPlatform, hostPlatform } from '../image/platform.ts';
import { type Context, changing, recoverSituation, type Situation } from './context.ts';
import { API_VERSION, type RecordImage, type RootRecord } from './record.ts';
import { readRecords, removeRecord, writeRecord } from './records.ts';
import { mergeReleased } from './released.ts';
import { digestOf } from './resolve.ts';
import { isManual, MANUAL } from './root-id.ts';

/**
 * Pins an image that is present, by hand.
 *
 * @param names full names, or digests or ids of images.
 * @throws {BerthError} `no-such-image` for one that is not there.
 */
export async function pinByHand(
  context: Context,
  id: string,
  names: readonly string[],
): Promise<readonly PinRequest['id'][]> {
  return changing(context, 'shared', async () => {
    const { images } = await recoverSituation(context);
    const found = names.map((name) => ({ name, image: presentImage(name, images.values()) }));
    for (const { name, image } of found) {
      const digest = digestOf(name, image.digests) ?? image.id;
      await addManualPin(context, id, {
        id: image.id,
        platform: formatPlatform(hostPlatform()),
        names: [
          {
            name: image.names.includes(name) ? name : nameOf(image),
            digest,
            manifest: digest,
          },
        ],
        fetched: false,
      });
    }
    return found.map(({ image }) => image.id);
  });
}

function nameOf(image: EngineImage): string {
  return image.names[0] ?? image.digests[0] ?? image.id;
}

/** Adds one image to the pins of an id made by hand, in the engine and on record. */
export async function addManualPin(
  context: Context,
  id: string,
  image: Omit<PinRequest, 'record'>,
): Promise<void> {
  const time = new Date().toISOString();
  const record = readRecords(context.stateDirectory).byId.get(id);
  const before = record?.staged?.images ?? [];
  const entry: RecordImage = {
    id: image.id,
    manifest: image.names[0]?.manifest ?? image.id,
    platform: image.platform,
    size: 0,
    fetched: image.fetched,
    names: image.names.map(({ name, digest }) => ({ name, digest, references: [] })),
  };
  writeRecord(context.stateDirectory, {
    apiVersion: API_VERSION,
    kind: 'Record',
    id,
    location: '',
    engine: context.engine.name,
    staged: { time, images: [...before.filter((b) => b.id !== image.id), entry], problems: [] },
    released: record?.released.filter((released) => released.id !== image.id) ?? [],
  });
  await context.engine.pin(id, [
    { ...image, record: { location: '', images: 0, problems: 0, staged: time } },
  ]);
  context.report({ event: 'pinned', id: image.id, root: id });
}

/**
 * Drops pins made by hand.
 *
 * @param what as the user says it: the NAME of `pull --pin NAME`, or an image.
 * @param names the full names or ids that it may mean as an image.
 * @returns the ids of the images that were unpinned.
 * @throws {BerthError} `pinned` if only a root holds it; `not-pinned` if nothing does.
 */
export async function unpin(
  context: Context,
  what: string,
  names: readonly string[],
): Promise<readonly string[]> {
  return changing(context, 'exclusive', async () => {
    const situation = await recoverSituation(context);
    const whole = `${MANUAL}.${what}`;
    const group = situation.records.has(whole) ? whole : undefined;
    const held = group === undefined ? idsOf(names, situation) : undefined;
    const dropped = new Set<string>();
    for (const record of situation.records.values()) {
      if (!isManual(record.id) || (group !== undefined && record.id !== group)) continue;
      for (const id of await drop(context, situation, record, held)) dropped.add(id);
    }
    if (dropped.size === 0) throw notByHand(what, held ?? new Set(), situation);
    return [...dropped];
  });
}

async function drop(
  context: Context,
  situation: Situation,
  record: RootRecord,
  held: ReadonlySet<string> | undefined,
): Promise<readonly string[]> {
  const images = record.staged?.images ?? [];
  const going = images.filter(({ id }) => held?.has(id) ?? true);
  if (going.length === 0) return [];
  const ids = new Set(going.map(({ id }) => id));
  await context.engine.unpin(
    situation.pins.filter((pin) => pin.root === record.id && ids.has(pin.id)),
  );
  const staying = images.filter(({ id }) => !ids.has(id));
  const released = mergeReleased(record.released, going);
  if (staying.length === 0 && released.length === 0)
    removeRecord(context.stateDirectory, record.id);
  else {
    const { staged, ...rest } = record;
    const kept =
      staged === undefined || staying.length === 0
        ? {}
        : { staged: { ...staged, images: staying } };
    writeRecord(context.stateDirectory, { ...rest, ...kept, released });
  }
  return [...ids];
}

/** Every image id that names, digests or ids may mean, by engine and by record. */
function idsOf(names: readonly string[], { images, records }: Situation): ReadonlySet<string> {
  const ids = new Set<string>();
  const called = (image: EngineImage) => names.some((name) => isCalled(image, name));
  for (const image of images.values()) if (called(image)) ids.add(image.id);
  for (const record of records.values()) {
    for (const image of record.staged?.images ?? []) {
      if (names.includes(image.id) || image.names.some(({ name }) => names.includes(name)))
        ids.add(image.id);
    }
  }
  return ids;
}

function presentImage(name: string, images: Iterable<EngineImage>): EngineImage {
  for (const image of images) if (isCalled(image, name)) return image;
  throw new BerthError('no-such-image', `${name} is not there, so it can't be pinned`, {
    hint: `fetch it first: berth pull ${name}`,
  });
}

function isCalled(image: EngineImage, name: string): boolean {
  const hex = name.replace(/^sha256:/, '');
  return (
    image.names.includes(name) ||
    image.digests.includes(name) ||
    (/^[0-9a-f]{12,64}$/.test(hex) && image.id.startsWith(`sha256:${hex}`))
  );
}

function notByHand(what: string, ids: ReadonlySet<string>, { pins }: Situation): BerthError {
  const roots = new Set(pins.filter((pin) => ids.has(pin.id)).map((pin) => pin.root));
  const [root] = roots;
  if (root === undefined) {
    return new BerthError('not-pinned', `${what} is not pinned`, {
      hint: '`berth pins` lists what is',
    });
  }
  return new BerthError('pinned', `${what} is pinned for ${[...roots].join(', ')}`, {
    hint: `\`berth release ${root}\` drops all pins of that root`,
    kind: 'refused',
  });
}
