import type { BoundProblem } from '../../binding/survey.ts';
import type { Wanted } from '../../binding/wanted.ts';
import type { EngineId } from '../../common/engine-id.ts';
import type { NameFailure } from '../../common/limited.ts';
import type { Engine, EngineInfo } from '../../engine/engine.ts';
import { footprintOn } from '../../engine/footprint-on.ts';
import { sizeOf } from '../../image/resolved.ts';
import type { Registry } from '../../registry/registry.ts';
import {
  type Contents,
  onEngines,
  type RecordProvided,
  type RootRecord,
} from '../../state/record.ts';
import { type Context, onEngine } from '../context.ts';
import type { LifecycleProblemCode } from '../error.ts';
import type { EngineSituation, Situation } from '../situation.ts';
import { waitingContents } from '../waiting.ts';
import { deferredArtifacts, keepable } from './artifacts.ts';
import { type DeferredName, deferredNames } from './deferred-names.ts';
import type { Resolution } from './kept.ts';
import { isKnownByDigest } from './known-by-digest.ts';
import { type Needed, neededFor, type WantedImage } from './needed.ts';
import { type PlannedImage, planImages } from './planned-image.ts';
import { type Known, resolveBindings } from './resolve.ts';
import { otherStorage, withoutShadowed } from './storage-differs.ts';
import { type EngineNeeds, isDepotWorthwhile, repliesFromAfar, type Way } from './way.ts';

/** The part of a plan for one engine. */
export interface PlannedPart extends EngineNeeds {
  readonly on: EngineSituation;
  readonly info: EngineInfo;
  /**
   * The images, if they come this way.
   *
   * @param inDepots the blobs that come into depots for other engines; the blobs of this engine are added.
   */
  readonly images: (way: Way, inDepots: Set<string>) => readonly PlannedImage[];
  readonly provided: readonly RecordProvided[];
  readonly problems: readonly BoundProblem<LifecycleProblemCode>[];
  readonly failures: readonly NameFailure[];
  readonly deferred: readonly DeferredName[];
}

/** The facts that all parts of a plan are made from. */
export interface PartOptions {
  readonly registry: Registry;
  readonly situation: Situation;
  /** The id of the root. */
  readonly root: string;
  readonly wanted: Wanted;
  /** The record that says what names mean. */
  readonly known: RootRecord | undefined;
  /** The images come into the depot of the engine and wait there. */
  readonly downloadOnly: boolean;
  /** As in `PlanOptions`. */
  readonly isShown: boolean;
}

/** Plans the images of one engine. */
export async function planPart(
  given: Context,
  on: EngineSituation,
  { registry, situation, root, wanted, known, downloadOnly, isShown }: PartOptions,
): Promise<PlannedPart> {
  const { engine } = on;
  const context = onEngine(given, engine);
  const isOwn = (id: EngineId) => id === engine.id;
  const kept = await keepable(
    engine,
    wanted.bindings.filter((binding) => isOwn(binding.engine)),
  );
  const { bindings, provided } = withoutShadowed(
    {
      bindings: kept.bindings,
      provided: wanted.provided.filter(({ binding }) => isOwn(binding.engine)),
    },
    on,
  );
  // podman takes a third of a second to tell about itself, as long as a registry may take.
  const [resolved, info] = await Promise.all([
    resolveBindings(context, registry, on, knownOn(engine.id, known, situation), bindings),
    engine.info(),
  ]);
  const absent = absentOf(resolved.resolutions, on);
  const footprint = await footprintOn(
    engine,
    absent.map(({ image }) => image),
  );
  const needed = neededFor(absent, footprint, engine.depot);
  const waits = downloadOnly || engine.absence !== undefined;
  const isRunning = situation.running === root;
  const isWorthwhile = (isFar: (image: WantedImage) => Promise<boolean>) => {
    const bytes = sizeOf(needed.downloads);
    return isDepotWorthwhile(registry, engine.traits, incomplete(absent, needed), bytes, isFar);
  };
  const images = (way: Way, inDepots: Set<string>) =>
    planImages(on, root, resolved.resolutions, uncounted(needed.blobs, way, inDepots), way);
  const deferred = isRunning ? [] : deferredNames(on.records, root, images('direct', new Set()));
  return {
    on,
    info,
    needed,
    depot: engine.depot,
    waits,
    onlyByDepot: engine.traits.pullsAs === 'other' || (await isLimited(registry, engine, absent)),
    ...(waits
      ? { byDepot: false, directIfNear: false }
      : await byDistance(isWorthwhile, registry, isShown)),
    images,
    provided,
    problems: [
      ...kept.problems,
      ...resolved.problems,
      ...deferredArtifacts(bindings, deferred),
      ...otherStorage(wanted.storage, info, bindings),
    ],
    failures: resolved.failures,
    deferred,
  };
}

/**
 * Whether images should come by the depot. A plan that is only shown counts registries as far, as that takes the
 * most space, and says so if it matters: a measured time would change the answer from run to run.
 */
async function byDistance(
  isWorthwhile: (isFar: (image: WantedImage) => Promise<boolean>) => Promise<boolean>,
  registry: Registry,
  isShown: boolean,
): Promise<Pick<EngineNeeds, 'byDepot' | 'directIfNear'>> {
  if (!isShown) {
    const byDepot = await isWorthwhile((image) => repliesFromAfar(registry, image));
    return { byDepot, directIfNear: false };
  }
  const byDepot = await isWorthwhile(async () => true);
  return { byDepot, directIfNear: byDepot && !(await isWorthwhile(async () => false)) };
}

/** Whether berth has to download any of the images, because this host limits downloads. */
async function isLimited(
  registry: Pick<Registry, 'isLimited'>,
  { traits }: Engine,
  wanted: readonly WantedImage[],
): Promise<boolean> {
  if (traits.downloads === 'berth') return false;
  for (const { image, source } of wanted) {
    if (source.from === 'layout') continue;
    if (await registry.isLimited(image.name, source.access)) return true;
  }
  return false;
}

/** The blobs of each image that no other engine brings: what goes through the depot comes once. */
function uncounted(blobs: Needed['blobs'], way: Way, inDepots: Set<string>): Needed['blobs'] {
  if (way === 'direct') return blobs;
  const left = new Map(
    [...blobs].map(([id, own]) => [id, own.filter(({ digest }) => !inDepots.has(digest))]),
  );
  for (const own of blobs.values()) for (const { digest } of own) inDepots.add(digest);
  return left;
}

/** The meanings of names on record, as far as they are those of one engine. */
function knownOn(id: EngineId, record: RootRecord | undefined, situation: Situation): Known {
  const own = <T extends Contents | undefined>(contents: T) =>
    contents && { ...contents, images: contents.images.filter(({ engine }) => engine === id) };
  return {
    record: record && onEngines(record, (engine) => engine === id),
    waiting: own(waitingContents(record, situation)),
  };
}

/** The images that the engine does not know by the digest of the name, one for each such name. */
function absentOf(
  resolutions: readonly Resolution[],
  situation: EngineSituation,
): readonly WantedImage[] {
  return resolutions.flatMap(({ id, image, source }) =>
    image === undefined || source === undefined || isKnownByDigest(image, id, situation)
      ? []
      : [{ id, image, source }],
  );
}

/** The images of which blobs are missing. */
function incomplete(absent: readonly WantedImage[], { blobs }: Needed): readonly WantedImage[] {
  return absent.filter(({ id }) => (blobs.get(id) ?? []).length > 0);
}
