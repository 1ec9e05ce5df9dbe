import type { EngineId } from '../common/engine-id.ts';
import { BerthError } from '../common/errors.ts';
import { mapLimited } from '../common/limited.ts';
import { onceFor } from '../common/once-for.ts';
import { absenceBy, absentEngine } from '../engine/absent.ts';
import { type AdditionalStore, readAdditionalStore } from '../engine/containers-storage/images.ts';
import type { Engine, EngineImage } from '../engine/engine.ts';
import type { Engines } from '../engine/engines.ts';
import { EngineError } from '../engine/errors.ts';
import { footprintOn } from '../engine/footprint-on.ts';
import { inTime } from '../engine/patience.ts';
import type { Pin } from '../engine/pin.ts';
import { runningRoot } from '../state/activation.ts';
import { enginesOf, onEngines, type RootRecord } from '../state/record.ts';
import { recordsFromPins } from '../state/recover.ts';
import type { Context, EngineContext } from './context.ts';

/** The records of all roots, and the images and pins of the engines that were looked at, at one moment. */
export interface Situation {
  /** The records, also those that were made again from pins. */
  readonly records: ReadonlyMap<string, RootRecord>;
  /** The engines that were looked at. */
  readonly engines: ReadonlyMap<EngineId, EngineSituation>;
  /** The engines to which the run is narrowed. */
  readonly chosen: Pick<Engines, 'all' | 'only'>;
  /** The id of the root that runs, if it is known. */
  readonly running: string | undefined;
}

/** The state of one engine, as the records, the images and the pins of that engine tell. */
export interface EngineSituation {
  readonly engine: Engine;
  /** The records, each with the images of this engine alone. */
  readonly records: ReadonlyMap<string, RootRecord>;
  readonly images: ReadonlyMap<string, EngineImage>;
  readonly pins: readonly Pin[];
  /** The images in the engine's depot, as pins, whether or not all of their blobs are there. */
  readonly holds: readonly Pin[];
  /** The ids of the images that wait whole in the depot: they need no network any more. */
  readonly waiting: ReadonlySet<string>;
  /** The images of a read-only store of podman by now; undefined if the store is gone. */
  readonly store: (directory: string) => AdditionalStore | undefined;
}

/** The engines to look at. */
export interface Looked {
  /** The root whose recorded engines are looked at; all roots by default. */
  readonly root?: string;
  /** Further engines: those of a tree that is not on record yet. */
  readonly engines?: Iterable<EngineId>;
  /** The engines to look at, and no others. */
  readonly exactly?: ReadonlySet<EngineId> | undefined;
}

/** @throws {Error} for a bug in berth, if the engine was not looked at. */
export function situationOn(
  { engines }: Pick<Situation, 'engines'>,
  id: EngineId,
): EngineSituation {
  const situation = engines.get(id);
  if (situation === undefined) throw new Error(`${id} was not looked at`);
  return situation;
}

/** The pins of all engines that were looked at. */
export const pinsIn = onceFor(({ engines }: Situation): readonly Pin[] =>
  [...engines.values()].flatMap(({ pins }) => pins),
);

/**
 * Reads records and engines. Records that are lost or damaged come back from the labels of the
 * pins, with a warning; nothing is written.
 */
export async function readSituation(context: Context, looked: Looked = {}): Promise<Situation> {
  return (await look(context, looked)).situation;
}

/** The situation on one engine, whatever other engines roots have. */
export async function readOn(context: EngineContext): Promise<EngineSituation> {
  const { id } = context.engine;
  return situationOn(await readSituation(context, { exactly: new Set([id]) }), id);
}

/**
 * As `readSituation`, but also writes the records that were made again, puts damaged records aside, and
 * removes images that a killed program left half-written.
 */
export async function recoverSituation(context: Context, looked: Looked = {}): Promise<Situation> {
  const { situation, damaged, recovered } = await look(context, looked, repair);
  for (const record of damaged) context.state.setAside(record);
  for (const record of recovered) context.state.write(record);
  return situation;
}

/** The images and pins of one engine. */
interface Found {
  readonly engine: Engine;
  readonly images: readonly EngineImage[];
  readonly pins: readonly Pin[];
  readonly holds: readonly Pin[];
  readonly waiting: ReadonlySet<string>;
}

type List = (context: Context, engine: Engine) => ReturnType<Engine['images']>;

/** Each engine is asked by a process of its own, and those of users have to be started. */
const ENGINES_AT_A_TIME = 4;

async function look(context: Context, looked: Looked, list: List = listed) {
  const { state, report, engines } = context;
  // The pins are read before the records. A stage writes its record before it pins, so a root with a pin
  // here and no record afterwards has really lost the record.
  const { needed, perhaps } = await enginesFor(context, looked);
  const each = [
    ...[...needed].map((id) => async () => find(context, await engines.open(id), list)),
    ...[...perhaps].map((id) => () => findPerhaps(context, id, list)),
  ];
  const all = await mapLimited(each, ENGINES_AT_A_TIME, (findOne) => findOne());
  const found = all.filter((one) => one !== undefined);
  const { byId, damaged } = state.records();
  const isLost = ({ root }: Pin) => !byId.has(root);
  const own = new Set<Pin>();
  for (const { engine, pins } of found) {
    for (const pin of await genuine(engine, pins.filter(isLost))) own.add(pin);
  }
  const lost = [...own, ...found.flatMap(({ holds }) => holds.filter(isLost))];
  const recovered = recordsFromPins(lost, byId);
  for (const { path, message } of damaged) {
    report({
      event: 'warning',
      code: 'record-damaged',
      message: `the record ${path} is damaged: ${message}`,
    });
  }
  for (const { id } of recovered) sayLost(context, id, lost);
  const records = new Map([...byId.values(), ...recovered].map((record) => [record.id, record]));
  const store = once(readAdditionalStore);
  const situation: Situation = {
    records,
    engines: new Map(
      found.map(({ engine, images, pins, holds, waiting }) => [
        engine.id,
        {
          engine,
          records: recordsOn(records, engine.id),
          images: new Map(images.map((image) => [image.id, image])),
          pins: pins.filter((pin) => !isLost(pin) || own.has(pin)),
          holds,
          waiting,
          store,
        },
      ]),
    ),
    chosen: { all: engines.all, only: engines.only },
    running: runningRoot(state.activation, records),
  };
  return { situation, damaged, recovered };
}

interface EnginesToLookAt {
  readonly needed: ReadonlySet<EngineId>;
  /**
   * Engines of the host with no image on record, whose pins may tell of lost records. One that fails is passed
   * over.
   */
  readonly perhaps: ReadonlySet<EngineId>;
}

async function enginesFor(context: Context, looked: Looked): Promise<EnginesToLookAt> {
  const { state, engines } = context;
  const chosen = engines.all ?? engines.only;
  const exactly = chosen === undefined ? looked.exactly : new Set([chosen]);
  if (exactly !== undefined) return { needed: exactly, perhaps: new Set() };
  const { byId } = state.records();
  const needed = await neededEngines(engines, byId, looked);
  const isOnRecord = looked.root !== undefined && byId.has(looked.root);
  const present = isOnRecord ? [] : ((await engines.present?.()) ?? []);
  return { needed, perhaps: new Set(present.filter((id) => !needed.has(id))) };
}

/** The usual engine is needed where no other is meant, as pins in it may tell of lost records. */
async function neededEngines(
  engines: Engines,
  byId: ReadonlyMap<string, RootRecord>,
  { root, engines: further = [] }: Looked,
): Promise<ReadonlySet<EngineId>> {
  const { usual } = engines;
  if (root === undefined) {
    const waited = await engines.waitedFor();
    return new Set([usual, ...[...byId.values()].flatMap(engineList), ...waited, ...further]);
  }
  const record = byId.get(root);
  const wanted = [...(record === undefined ? [] : engineList(record)), ...further];
  return new Set(wanted.length === 0 ? [usual] : wanted);
}

function engineList(record: RootRecord): readonly EngineId[] {
  const engines = [...enginesOf(record)];
  return engines.length === 0 ? [record.engine] : engines;
}

/** Finds what an engine has. The podman of another user that fails is as good as absent. */
async function find(context: Context, engine: Engine, list: List): Promise<Found> {
  const isOthers = engine.traits.pullsAs === 'other' && engine.absence === undefined;
  const found = findIn(context, engine, list);
  try {
    return await (isOthers ? inTime(engine.id, found) : found);
  } catch (error) {
    if (!isOthers || engine.depot === undefined || !(error instanceof EngineError)) throw error;
    return findIn(context, absentEngine(engine.id, absenceBy(error), engine.depot), list);
  }
}

/**
 * Finds what an engine has on which no record has images: nothing unless its pins tell of a lost record. Such an engine
 * may fail, or not answer.
 */
async function findPerhaps(context: Context, id: EngineId, list: List): Promise<Found | undefined> {
  try {
    return await inTime(id, findLost(context, id, list));
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof BerthError)) throw error;
    const message = `${id} can't be asked for pins that tell of lost records: ${error.message}`;
    context.report({ event: 'warning', code: 'engine-unheard', message });
    return undefined;
  }
}

async function findLost(context: Context, id: EngineId, list: List): Promise<Found | undefined> {
  const engine = await context.engines.open(id);
  const pins = await engine.pins();
  const { byId } = context.state.records();
  const lost = await genuine(
    engine,
    pins.filter(({ root }) => !byId.has(root)),
  );
  return lost.length === 0 ? undefined : findIn(context, engine, list);
}

async function findIn(context: Context, engine: Engine, list: List): Promise<Found> {
  const holds = engine.depot?.pins() ?? [];
  const [images, pins] = await Promise.all([list(context, engine), engine.pins()]);
  return { engine, images, pins, holds, waiting: await wholeOf(engine, holds) };
}

async function listed(_context: Context, engine: Engine): Promise<readonly EngineImage[]> {
  return engine.images();
}

/** Lists the images of an engine. If half-written images keep it from doing so, it is repaired first. */
async function repair(context: Context, engine: Engine): Promise<readonly EngineImage[]> {
  const { report, signal } = context;
  try {
    return await engine.images();
  } catch (error) {
    const isTorn = error instanceof EngineError && error.code === 'torn-image';
    if (!isTorn || engine.repair === undefined) throw error;
  }
  for (const id of await engine.repair(signal)) {
    const message = `removed ${id}, which somebody who was killed had left half-written in ${engine.id}`;
    report({ event: 'warning', code: 'torn-image', message });
  }
  return engine.images();
}

function sayLost({ report }: Context, id: string, lost: readonly Pin[]): void {
  const isUnproven = lost.some((pin) => pin.root === id && pin.unproven === true);
  const but = isUnproven
    ? '; nothing proves that berth fetched its images, so `berth prune` will leave them'
    : '';
  const message = `the record of ${id} is lost; what its pins tell stands in for it${but}`;
  report({ event: 'warning', code: 'record-lost', root: id, message });
}

/** The records with the images of one engine, and of these records only those that have any. */
export function recordsOn(
  records: ReadonlyMap<string, RootRecord>,
  engine: EngineId,
): ReadonlyMap<string, RootRecord> {
  return new Map(
    [...records].flatMap(([id, record]) => {
      const engines = enginesOf(record);
      if (!engines.has(engine)) return [];
      return [[id, engines.size === 1 ? record : onEngines(record, (one) => one === engine)]];
    }),
  );
}

/** The pins that berth made. No record is made again from something that only looks like a pin. */
async function genuine(engine: Engine, pins: readonly Pin[]): Promise<readonly Pin[]> {
  return pins.length === 0 ? pins : ((await engine.genuine?.(pins)) ?? pins);
}

/** The ids of the waiting images of which everything is here. */
async function wholeOf(engine: Engine, holds: readonly Pin[]): Promise<ReadonlySet<string>> {
  const found = holds.flatMap(({ id, platform, names }) => {
    const images = names.map(({ name, ...meaning }) =>
      engine.depot?.find(name, { ...meaning, platform }),
    );
    return images.every((image) => image !== undefined) ? [{ id, images }] : [];
  });
  if (found.length === 0) return new Set();
  const asked = found.flatMap(({ images }) => images);
  const footprint = await footprintOn(engine, asked);
  const broken = new Set(
    asked.filter((_, index) => (footprint.images[index]?.missing ?? []).length > 0),
  );
  const whole = found.filter(({ images }) => !images.some((image) => broken.has(image)));
  return new Set(whole.map(({ id }) => id));
}

/** Each store is read at most once, and only if something is asked of it. */
function once(read: (directory: string) => AdditionalStore | undefined): EngineSituation['store'] {
  const known = new Map<string, AdditionalStore | undefined>();
  return (directory) => {
    if (!known.has(directory)) known.set(directory, read(directory));
    return known.get(directory);
  };
}
