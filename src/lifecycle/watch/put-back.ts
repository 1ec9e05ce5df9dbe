import type { EngineId } from '../../common/engine-id.ts';
import type { BerthError } from '../../common/errors.ts';
import type { Registry } from '../../registry/registry.ts';
import { enginesOf, isLiving, placeOf, type RootRecord } from '../../state/record.ts';
import { type Context, changing, changingRoot, onEngine } from '../context.ts';
import { aboutRoot } from '../events.ts';
import { pinAgain } from '../restore-pins.ts';
import { type EngineSituation, readSituation, type Situation } from '../situation.ts';
import { moveNames } from '../stage/settle-names.ts';
import { isOfImage, type Lack, lacksOf } from './lacks.ts';

export interface PutBack {
  /** The names that stay as somebody moved them, because the running root means them otherwise. */
  readonly drifted: ReadonlySet<string>;
  /** What the root still lacks on the engine. */
  readonly left: readonly Lack[];
  /** The ids of the images that berth tried to bring again. */
  readonly tried: ReadonlySet<string>;
  /** Why images could not be brought, by their ids. */
  readonly failures: ReadonlyMap<string, BerthError>;
}

export interface PutBackOptions {
  /** The id of the root. */
  readonly root: string;
  /** The engine that has lost something. */
  readonly engine: EngineId;
  /** Whether an image may be fetched now, by its id. Pins and names of present images are put back at any time. */
  readonly mayFetch: (id: string) => boolean;
  /** Called with what the root lacks, before anything is put back, while no other berth works on the root. */
  readonly onSeen: (lacks: readonly Lack[]) => void;
}

/**
 * Puts back what a root wants and an engine has lost: pins of present images; images from berth's own store, from
 * another engine, or else from their registry; and names. This needs only the record of the root, not its tree, and
 * changes no record. A name that another living root means otherwise is not moved.
 *
 * @throws {BerthError} `no-space` before anything is fetched; the failure of an engine, or `lock-held`.
 */
export async function putBack(
  given: Context,
  registry: Registry,
  { root, engine, mayFetch, onSeen }: PutBackOptions,
): Promise<PutBack> {
  const context = aboutRoot(given, root);
  return changing(context, 'shared', () =>
    changingRoot(context, root, async () => {
      const seen = await seeRoot(context, root, engine);
      if (seen === undefined) return { left: [], drifted: NOTHING, ...NOTHING_TRIED };
      onSeen(seen.lacks);
      await putBackPins(context, seen);
      const lost = seen.lacks.filter((lack) => isOfImage(lack) && mayFetch(lack.id));
      const brought = await fetchAgain(context, registry, seen, new Set(lost.map(({ id }) => id)));
      // To move names, an engine is asked for all images, and often pins alone are lost.
      const hasNames = seen.lacks.some(({ code }) => code !== 'pin-missing');
      const drifted = hasNames ? await putBackNames(context, seen) : NOTHING;
      return { left: await putBackPinsOfNamed(context, root, engine), drifted, ...brought };
    }),
  );
}

const NOTHING: ReadonlySet<string> = new Set();
const NOTHING_TRIED = { tried: new Set<string>(), failures: new Map<string, BerthError>() };

/** A root on one engine that lacks something. */
interface SeenRoot {
  readonly record: RootRecord;
  readonly situation: Situation;
  readonly on: EngineSituation;
  readonly lacks: readonly Lack[];
}

/** @returns undefined if nothing is lacking, or nothing is wanted any more. */
async function seeRoot(
  context: Context,
  root: string,
  engine: EngineId,
): Promise<SeenRoot | undefined> {
  const situation = await readSituation(context, { exactly: new Set([engine]) });
  const record = situation.records.get(root);
  const on = situation.engines.get(engine);
  if (record === undefined || on === undefined || !isLiving(record)) return undefined;
  if (on.engine.absence !== undefined) return undefined;
  const lacks = lacksOf(record, situation);
  return lacks.length === 0 ? undefined : { record, situation, on, lacks };
}

/**
 * Some engines know an image only as long as it has a name, and can pin it when the name is back.
 *
 * @returns what is still lacking.
 */
async function putBackPinsOfNamed(
  context: Context,
  root: string,
  engine: EngineId,
): Promise<readonly Lack[]> {
  const seen = await seeRoot(context, root, engine);
  if (seen?.lacks.some(({ code }) => code === 'pin-missing') !== true) return seen?.lacks ?? [];
  await putBackPins(context, seen);
  return (await seeRoot(context, root, engine))?.lacks ?? [];
}

async function putBackPins(context: Context, { record, on }: SeenRoot): Promise<void> {
  await pinAgain(context, new Map([[record.id, record]]), on, record.id);
}

/** @returns the names that are left alone as drift. */
async function putBackNames(
  context: Context,
  { record, situation, on }: SeenRoot,
): Promise<ReadonlySet<string>> {
  const own = on.records.get(record.id)?.staged?.images ?? [];
  const names = own.flatMap((image) => image.names.map(({ name }) => name));
  const meant = { records: on.records, running: situation.running };
  return moveNames(onEngine(context, on.engine), meant, names, undefined);
}

/**
 * Brings lost images again, and those that the root has lost on other engines as well, so that an image which two
 * engines have lost is downloaded once.
 *
 * @param lost the ids of the images on the engine that was seen.
 */
async function fetchAgain(
  context: Context,
  registry: Registry,
  seen: SeenRoot,
  lost: ReadonlySet<string>,
): Promise<Pick<PutBack, 'tried' | 'failures'>> {
  if (lost.size === 0) return NOTHING_TRIED;
  const { record, on } = seen;
  const isOnlyEngine = enginesOf(record).size === 1;
  const situation = isOnlyEngine
    ? seen.situation
    : await readSituation(context, { root: record.id });
  const own = [...lost].map((image) => placeOf({ engine: on.engine.id, id: image }));
  const places = withOtherEngines(record, situation, new Set(own));
  // Loaded here, because most losses need no image.
  const { bringAgain } = await import('./bring-again.ts');
  const failed = await bringAgain(context, registry, record, situation, places);
  const failures = [...lost].flatMap((image, index) => {
    const error = failed.get(own[index] ?? '');
    return error === undefined ? [] : [[image, error] as const];
  });
  return { tried: lost, failures: new Map(failures) };
}

/** The places of lost images, and of the same images that other engines have lost. */
function withOtherEngines(
  record: RootRecord,
  situation: Situation,
  own: ReadonlySet<string>,
): ReadonlySet<string> {
  const images = record.staged?.images ?? [];
  const manifests = new Set(
    images.filter((image) => own.has(placeOf(image))).map(({ manifest }) => manifest),
  );
  const lost = new Set(lacksOf(record, situation).filter(isOfImage).map(placeOf));
  const same = images.filter((image) => manifests.has(image.manifest) && lost.has(placeOf(image)));
  return new Set(same.map(placeOf));
}
