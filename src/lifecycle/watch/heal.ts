import type { EngineId } from '../../common/engine-id.ts';
import type { BerthError } from '../../common/errors.ts';
import type { Registry } from '../../registry/registry.ts';
import { isLiving, placeOf, type RootRecord } from '../../state/record.ts';
import { type Context, changing, changingRoot, onEngine } from '../context.ts';
import { aboutRoot } from '../events.ts';
import { pinAgain } from '../restore-pins.ts';
import { type EngineSituation, readSituation, type Situation } from '../situation.ts';
import { moveNames } from '../stage/settle-names.ts';
import { isOfImage, type Lack, lacksOf } from './lacks.ts';

export interface Healed {
  /** What the root still lacks on the engine. */
  readonly left: readonly Lack[];
  /** Whether images had to be fetched. */
  readonly isFetched: boolean;
  /** Why images could not be fetched. */
  readonly failures: readonly BerthError[];
}

export interface HealOptions {
  /** The id of the root. */
  readonly root: string;
  /** The engine that has lost something. */
  readonly engine: EngineId;
  /** Whether images may be fetched now; otherwise only pins and names of present images are put back. */
  readonly fetches: boolean;
  /** Called with what the root lacks, before anything is put back, while no other berth works on the root. */
  readonly onSeen: (lacks: readonly Lack[]) => void;
}

/**
 * Puts back what a root wants and an engine has lost: pins of present images, images from berth's own store
 * or else their registry, and names. This needs only the record of the root, not its tree, and changes no record.
 * A name that another living root means otherwise is not moved.
 *
 * @throws {BerthError} `no-space` before anything is fetched; the failure of an engine, or `lock-held`.
 */
export async function heal(
  given: Context,
  registry: Registry,
  { root, engine, fetches, onSeen }: HealOptions,
): Promise<Healed> {
  const context = aboutRoot(given, root);
  return changing(context, 'shared', () =>
    changingRoot(context, root, async () => {
      const seen = await seeRoot(context, root, engine);
      if (seen === undefined) return { left: [], isFetched: false, failures: [] };
      onSeen(seen.lacks);
      await putBackPins(context, seen);
      const isFetched = fetches && seen.lacks.some(isOfImage);
      const failures = isFetched ? await fetchAgain(context, registry, seen.record) : [];
      await putBackNames(context, seen);
      const left = await putBackPinsOfNamed(context, root, engine);
      return { left, isFetched, failures };
    }),
  );
}

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

async function putBackNames(context: Context, { record, situation, on }: SeenRoot): Promise<void> {
  const own = on.records.get(record.id)?.staged?.images ?? [];
  const names = own.flatMap((image) => image.names.map(({ name }) => name));
  const meant = { records: on.records, running: situation.running };
  await moveNames(onEngine(context, on.engine), meant, names, undefined);
}

/** Fetches what any engine of the root lacks, so that an image that two engines have lost is downloaded once. */
async function fetchAgain(
  context: Context,
  registry: Registry,
  { id }: RootRecord,
): Promise<readonly BerthError[]> {
  const situation = await readSituation(context, { root: id });
  const record = situation.records.get(id);
  if (record === undefined) return [];
  const places = lacksOf(record, situation).filter(isOfImage).map(placeOf);
  // Loaded here, because most losses need no image.
  const { bringAgain } = await import('./bring-again.ts');
  return bringAgain(context, registry, record, situation, new Set(places));
}
