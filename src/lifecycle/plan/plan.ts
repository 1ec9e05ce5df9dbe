import type { BoundProblem } from '../../binding/survey.ts';
import type { Wanted } from '../../binding/wanted.ts';
import { counted } from '../../common/counted.ts';
import { groupOf } from '../../common/engine-id.ts';
import type { BerthError } from '../../common/errors.ts';
import { formatBytes } from '../../common/format-bytes.ts';
import type { NameFailure } from '../../common/limited.ts';
import type { EngineInfo } from '../../engine/engine.ts';
import { distinctBlobs, sizeOf } from '../../image/resolved.ts';
import type { Registry } from '../../registry/registry.ts';
import {
  isLiving,
  placeOf,
  type RecordDeployment,
  type RecordImage,
  type RecordProvided,
  type RootRecord,
} from '../../state/record.ts';
import { situationFor } from '../absence.ts';
import type { Context } from '../context.ts';
import type { LifecycleProblemCode } from '../error.ts';
import { aboutRoot, type ProgressEvent } from '../events.ts';
import { type EngineSituation, type Situation, situationOn } from '../situation.ts';
import { askedOnce } from './asked-once.ts';
import type { DeferredName } from './deferred-names.ts';
import { keptBeside } from './kept-beside.ts';
import { type PlannedPart, planPart } from './part.ts';
import type { PlannedImage } from './planned-image.ts';
import { lackOfSpace, type Space, spaceOn } from './space.ts';
import { bytesDownloaded, chooseWays, downloadsOf, mayBeDirect, type Way } from './way.ts';

/** A plan for staging a root: decided once, and then carried out to the letter. Plain data. */
export interface Plan {
  readonly root: PlannedRoot;
  /** The engines that run the images, and the one that would if there are none. */
  readonly engines: readonly EngineInfo[];
  readonly images: readonly PlannedImage[];
  /** The problems on bound references: with one of them the root will not be ready. */
  readonly problems: readonly BoundProblem<LifecycleProblemCode>[];
  /** The names that a read-only store of podman serves: nothing is done for them. */
  readonly provided: readonly RecordProvided[];
  /** The names that can't be staged: not to be resolved, or refused by policy.json. */
  readonly failures: readonly NameFailure[];
  /** The way of the images, the longest if engines differ. */
  readonly way: Way;
  /**
   * Whether images that come by the depot are pulled straight into their engines if the registry is found to be near.
   * `space` is enough for both. A plan that is carried out has no such field, since it knows.
   */
  readonly directIfNear?: true;
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
  /** The requirements of the tree that are noted on the record beside its images. */
  readonly wanted: Pick<Wanted, 'bind' | 'leftOut' | 'unbound' | 'users'>;
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
  /** The plan is shown and not carried out: it is the same however fast registries reply. */
  readonly isShown?: boolean;
  /** The record that says what names mean, where it is not the root's. */
  readonly known?: RootRecord | undefined;
}

/**
 * Resolves every binding and compares with what is there. Reads only.
 *
 * @param situation of all engines of the root's record and of its bindings.
 */
export async function planStage(
  given: Context,
  registry: Registry,
  situation: Situation,
  root: PlannedRoot,
  wanted: Wanted,
  options: PlanOptions = {},
): Promise<Plan> {
  const context = aboutRoot(given, root.id);
  const record = situation.records.get(root.id);
  for (const warning of warningsOf(root, wanted, record)) context.report(warning);
  const shared = {
    registry: askedOnce(registry),
    situation,
    root: root.id,
    wanted,
    known: knownFor(record, options),
    downloadOnly: options.downloadOnly ?? false,
    isShown: options.isShown ?? false,
  };
  const parts: PlannedPart[] = [];
  for (const on of enginesWanted(context, situation, wanted)) {
    warnOfNoHandover(context, root, on.engine, wanted);
    parts.push(await planPart(context, on, shared));
  }
  const what = (bytes: number) => `staging ${root.id} needs ${formatBytes(bytes)} to download`;
  const { ways, space, lack } = await chooseWays(
    parts,
    (uses) => spaceOn(context, uses),
    (space, bytes) => lackOfSpace(situation, what(bytes), space),
  );
  const whole = joined(parts, ways);
  const { bind, leftOut, unbound, users } = wanted;
  return {
    root,
    ...whole,
    problems: [...wanted.problems, ...whole.problems],
    free: space[0]?.free ?? 0,
    space,
    ...lacking(lack ?? (await lackOfRoom(parts, root.id))),
    drops: dropsOf(record, whole.images, leftOut),
    wanted: { bind, leftOut, unbound, users },
  };
}

/** The record that says what names mean. A name that is downloaded once more is resolved anew. */
function knownFor(record: RootRecord | undefined, options: PlanOptions): RootRecord | undefined {
  const known = 'known' in options ? options.known : record;
  return options.downloadOnly === true ? withoutWaiting(known) : known;
}

/** The parts of a plan as one, when each engine's images come its way. */
function joined(
  parts: readonly PlannedPart[],
  ways: readonly Way[],
): Omit<Plan, 'root' | 'free' | 'space' | 'lack' | 'drops' | 'wanted'> {
  const inDepots = new Set<string>();
  return {
    engines: parts.map(({ info }) => info),
    images: parts.flatMap((part, index) => part.images(ways[index] ?? 'direct', inDepots)),
    provided: parts.flatMap(({ provided }) => provided),
    problems: parts.flatMap(({ problems }) => problems),
    failures: distinctFailures(parts.flatMap(({ failures }) => failures)),
    way: (['download', 'two-steps'] as const).find((way) => ways.includes(way)) ?? 'direct',
    ...(mayBeDirect(parts, ways) ? { directIfNear: true } : {}),
    bytes: bytesDownloaded(downloadsOf(parts, ways)),
    inDepot: sizeOf(distinctBlobs(parts.flatMap(({ needed }) => needed.inDepot))),
    deferred: parts.flatMap(({ deferred }) => deferred),
  };
}

/** The engines of the bindings; for a root that binds nothing, the usual one. */
function enginesWanted(
  { engines: { all, only, usual } }: Context,
  situation: Situation,
  { bindings, provided, users }: Wanted,
): readonly EngineSituation[] {
  const ids = new Set(
    [...bindings, ...provided.map(({ binding }) => binding)].map(({ engine }) => engine),
  );
  if (ids.size === 0) ids.add(all ?? only ?? usual);
  return [...ids].map((id) => situationFor(situationOn(situation, id), { users }));
}

/** Why there is no room for the pins of some engine. */
async function lackOfRoom(
  parts: readonly PlannedPart[],
  root: string,
): Promise<BerthError | undefined> {
  for (const { on, images } of parts) {
    const unpinned = images('direct', new Set()).filter(
      ({ artifact, pinned }) => artifact !== true && !pinned,
    ).length;
    const lack = await on.engine.roomFor(root, unpinned);
    if (lack !== undefined) return lack;
  }
  return undefined;
}

/** A name that fails for two engines fails once, for the units of both. */
function distinctFailures(failures: readonly NameFailure[]): readonly NameFailure[] {
  return [...Map.groupBy(failures, ({ name }) => name).values()].flatMap((alike) => {
    const [last] = alike.slice(-1);
    const units = new Set(alike.flatMap(({ wantedBy = [] }) => wantedBy));
    return last === undefined ? [] : [{ ...last, wantedBy: [...units] }];
  });
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

/** Warns if images are to wait for an engine until the boot, and nothing in the root hands them over then. */
function warnOfNoHandover(
  { report }: Context,
  { id: root }: PlannedRoot,
  { id, absence }: EngineSituation['engine'],
  { withoutHandover }: Wanted,
): void {
  const group = groupOf(id);
  if (absence?.takes !== 'at-boot' || !withoutHandover.includes(group)) return;
  const message = `the images for ${id} wait until ${root} boots, but no unit of ${root} hands them over: install berth there, with the service or drop-in that runs \`berth activate --for ${group}\``;
  report({ event: 'warning', code: 'no-handover', message });
}

/** The record without a stage that waits. */
function withoutWaiting(record: RootRecord | undefined): RootRecord | undefined {
  if (record === undefined) return undefined;
  const { pending: _pending, ...rest } = record;
  return rest;
}

/** The images that an earlier stage of the root pinned, and that the root does not need any more. */
export function dropsOf(
  record: RootRecord | undefined,
  images: readonly Pick<PlannedImage, 'engine' | 'id'>[],
  leftOut: Wanted['leftOut'] = [],
): readonly RecordImage[] {
  const kept = new Set([...images, ...keptBeside(leftOut, record)].map(placeOf));
  return (record?.staged?.images ?? []).filter((image) => !kept.has(placeOf(image)));
}

function lacking(lack: BerthError | undefined): Pick<Plan, 'lack'> {
  return lack === undefined ? {} : { lack };
}
