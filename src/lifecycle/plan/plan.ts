import type { BoundProblem } from '../../binding/survey.ts';
import type { Wanted } from '../../binding/wanted.ts';
import { counted } from '../../common/counted.ts';
import type { BerthError } from '../../common/errors.ts';
import { formatBytes } from '../../common/format-bytes.ts';
import type { NameFailure } from '../../common/limited.ts';
import type { EngineInfo } from '../../engine/engine.ts';
import { sizeOf } from '../../image/resolved.ts';
import type { Registry } from '../../registry/registry.ts';
import { runningRoot } from '../../state/activation.ts';
import {
  isLiving,
  type RecordDeployment,
  type RecordImage,
  type RecordProvided,
  type RootRecord,
} from '../../state/record.ts';
import type { Context } from '../context.ts';
import type { LifecycleProblemCode } from '../error.ts';
import { aboutRoot, type ProgressEvent } from '../events.ts';
import type { Situation } from '../situation.ts';
import { type DeferredName, deferredNames } from './deferred-names.ts';
import type { Resolution } from './kept.ts';
import { isKnownByDigest } from './known-by-digest.ts';
import { type Needed, neededFor, type WantedImage } from './needed.ts';
import { type PlannedImage, planImages } from './planned-image.ts';
import { resolveBindings } from './resolve.ts';
import { lackOfSpace, type Space, spaceOn } from './space.ts';
import { otherStorage, withoutShadowed } from './storage-differs.ts';
import { chooseWay, isAheadWorthwhile, possibleWays, type Way } from './way.ts';

/** A plan for staging a root: decided once, and then carried out to the letter. Plain data. */
export interface Plan {
  readonly root: PlannedRoot;
  readonly engine: EngineInfo;
  readonly images: readonly PlannedImage[];
  /** The problems on bound references: with one of them the root will not be ready. */
  readonly problems: readonly BoundProblem<LifecycleProblemCode>[];
  /** The names that a read-only store of podman serves: nothing is done for them. */
  readonly provided: readonly RecordProvided[];
  /** The names that can't be staged: not to be resolved, or refused by policy.json. */
  readonly failures: readonly NameFailure[];
  readonly way: Way;
  /**
   * The bytes to download: configs and layers, each once, that are neither here nor shipped. Manifests and
   * indexes are not counted, as planning reads them already.
   */
  readonly bytes: number;
  /** The blobs that the engine lacks and that lie in its depot already, in bytes. */
  readonly inDepot: number;
  /** Free on the engine's file system, in bytes. */
  readonly free: number;
  /** The space that is needed on each file system, that of the engine first. */
  readonly space: readonly Space[];
  /** Why the images or their pins do not fit. */
  readonly lack?: BerthError;
  /** Names that keep what they mean until this root is activated. */
  readonly deferred: readonly DeferredName[];
  /** The images that an earlier stage of this root pinned and this one does not need. */
  readonly drops: readonly RecordImage[];
}

export interface PlannedRoot {
  readonly id: string;
  readonly location: string;
  /** The deployment as the updater describes it, if the root has an updater. */
  readonly deployment?: RecordDeployment;
}

export interface PlanOptions {
  /** The images come into the depot of the engine and wait there; names are resolved anew. */
  readonly downloadOnly?: boolean;
  /** The record that says what names mean, where it is not the root's. */
  readonly known?: RootRecord | undefined;
}

/** Resolves every binding and compares with what is there. Reads only. */
export async function planStage(
  given: Context,
  registry: Registry,
  situation: Situation,
  root: PlannedRoot,
  wanted: Wanted,
  options: PlanOptions = {},
): Promise<Plan> {
  const context = aboutRoot(given, root.id);
  const { downloadOnly = false } = options;
  const { engine } = context;
  const record = situation.records.get(root.id);
  for (const warning of warningsOf(root, wanted, record)) context.report(warning);
  const { bindings, provided } = withoutShadowed(wanted, situation);
  const meant = 'known' in options ? options.known : record;
  const known = downloadOnly ? withoutWaiting(meant) : meant;
  // podman takes a third of a second to tell about itself, as long as a registry may take.
  const [resolved, info] = await Promise.all([
    resolveBindings(context, registry, situation, known, bindings),
    engine.info(),
  ]);
  const absent = absentOf(resolved.resolutions, situation);
  const footprint = await engine.footprint(absent.map(({ image }) => image));
  const needed = neededFor(absent, footprint, engine.depot);
  const images = planImages(situation, root.id, resolved.resolutions, needed.blobs);
  const bytes = sizeOf(needed.downloads);
  const what = `staging ${root.id} needs ${formatBytes(bytes)} to download`;
  const ahead = await isAheadWorthwhile(registry, incomplete(absent, needed));
  const { way, space, lack } = await chooseWay(
    possibleWays(needed, { downloadOnly, ahead }),
    (uses) => spaceOn(context, uses),
    (space) => lackOfSpace(context, situation, what, space),
  );
  const unpinned = images.filter(({ pinned }) => !pinned).length;
  const isRunning = runningRoot(context.state.activation, situation.records) === root.id;
  return {
    root,
    engine: info,
    images,
    provided,
    problems: [
      ...wanted.problems,
      ...resolved.problems,
      ...otherStorage(wanted.storage, info, bindings),
    ],
    failures: resolved.failures,
    way,
    bytes,
    inDepot: sizeOf(needed.inDepot),
    free: space[0]?.free ?? 0,
    space,
    ...lacking(lack ?? (await engine.roomFor(root.id, unpinned))),
    deferred: isRunning ? [] : deferredNames(situation.records, root.id, images),
    drops: dropsOf(record, images),
  };
}

/** The warnings for whoever stages this root. */
function warningsOf(
  root: PlannedRoot,
  { passedOver }: Wanted,
  record: RootRecord | undefined,
): readonly ProgressEvent[] {
  const warnings: ProgressEvent[] = [];
  if (record !== undefined && isLiving(record) && record.location !== root.location) {
    const message = `${root.id} was staged from ${record.location}; staging ${root.location} under this id replaces that`;
    warnings.push({ event: 'warning', code: 'other-location', message });
  }
  if (passedOver > 0) {
    const message = `${counted(passedOver, 'place')} of ${root.location} ${passedOver === 1 ? 'is' : 'are'} not root's, so no part of the OS, and not read: \`berth images\` says which`;
    warnings.push({ event: 'warning', code: 'passed-over', message });
  }
  return warnings;
}

/** The record without a stage that waits: a name that is downloaded once more is resolved anew. */
function withoutWaiting(record: RootRecord | undefined): RootRecord | undefined {
  if (record === undefined) return undefined;
  const { pending: _pending, ...rest } = record;
  return rest;
}

/** The images that the engine does not know by the digest of the name, one for each such name. */
function absentOf(
  resolutions: readonly Resolution[],
  situation: Situation,
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

/** The images that an earlier stage of the root pinned and this one does not need. */
export function dropsOf(
  record: RootRecord | undefined,
  images: readonly Pick<PlannedImage, 'id'>[],
): readonly RecordImage[] {
  const kept = new Set(images.map(({ id }) => id));
  return (record?.staged?.images ?? []).filter(({ id }) => !kept.has(id));
}

function lacking(lack: BerthError | undefined): Pick<Plan, 'lack'> {
  return lack === undefined ? {} : { lack };
}
