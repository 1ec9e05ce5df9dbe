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
import { aboutRoot } from '../events.ts';
import type { Situation } from '../situation.ts';
import { type DeferredName, deferredNames } from './deferred-names.ts';
import { isKnownByDigest } from './known-by-digest.ts';
import { neededFor } from './needed.ts';
import { type PlannedImage, planImage } from './planned-image.ts';
import { resolveBindings } from './resolve.ts';
import { lackOfSpace, type Space, spaceOn } from './space.ts';
import { otherStorage, withoutShadowed } from './storage-differs.ts';
import { chooseWay, isAheadWorthwhile, possibleWays, type Way } from './way.ts';

/** What staging would do: decided once, and then carried out to the letter. Plain data. */
export interface Plan {
  readonly root: PlannedRoot;
  readonly engine: EngineInfo;
  readonly images: readonly PlannedImage[];
  /** The problems on bound references: with one of them the root will not be ready. */
  readonly problems: readonly BoundProblem[];
  /** The names that a read-only store of podman serves: nothing is done for them. */
  readonly provided: readonly RecordProvided[];
  /** The names that can't be staged: not to be resolved, or refused by policy.json. */
  readonly failures: readonly NameFailure[];
  readonly way: Way;
  /**
   * To download in all, in bytes: configs and layers, each once, that are neither here nor shipped.
   * Not manifests and indexes: to plan is to read them.
   */
  readonly bytes: number;
  /** Of what the engine lacks, what lies in its depot already, in bytes. */
  readonly inStore: number;
  /** Free on the engine's file system, in bytes. */
  readonly free: number;
  /** What is written to each file system, that of the engine first. */
  readonly space: readonly Space[];
  /** Why there is not enough of it, or of the engine's locks. */
  readonly lack?: BerthError;
  /** Names that keep what they mean until this root is activated. */
  readonly deferred: readonly DeferredName[];
  /** What an earlier staging of this root pinned and this one does not need. */
  readonly drops: readonly RecordImage[];
}

export interface PlannedRoot {
  readonly id: string;
  readonly location: string;
  /** What its updater says of it, where it has one. */
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
  const record = situation.records.get(root.id);
  if (record !== undefined && isLiving(record) && record.location !== root.location) {
    const message = `${root.id} was staged from ${record.location}; staging ${root.location} under this id replaces that`;
    context.report({ event: 'warning', code: 'other-location', message });
  }
  if (wanted.passedOver > 0) {
    const message = `${counted(wanted.passedOver, 'place')} of ${root.location} ${wanted.passedOver === 1 ? 'is' : 'are'} not root's, so no part of the OS, and not read: \`berth images\` says which`;
    context.report({ event: 'warning', code: 'passed-over', message });
  }
  const { bindings, provided } = withoutShadowed(wanted, situation);
  const meant = 'known' in options ? options.known : record;
  const known = downloadOnly ? withoutWaiting(meant) : meant;
  // podman takes a third of a second to tell, as long as a registry may.
  const [resolved, info] = await Promise.all([
    resolveBindings(context, registry, situation, known, bindings),
    context.engine.info(),
  ]);
  const groups = Map.groupBy(resolved.resolutions, ({ id }) => id);
  const fetched = resolved.resolutions.flatMap(({ id, image, source }) =>
    image === undefined || source === undefined ? [] : [{ id, image, source }],
  );
  const absent = fetched.filter(({ id, image }) => !isKnownByDigest(image, id, situation));
  const footprint = await context.engine.footprint(absent.map(({ image }) => image));
  const needed = neededFor(absent, footprint, context.engine.depot);
  const images = [...groups.values()].flatMap((group) =>
    planImage(situation, root.id, group, needed.blobs),
  );
  const bytes = sizeOf(needed.downloads);
  const what = `staging ${root.id} needs ${formatBytes(bytes)} to download`;
  const downloaded = absent.filter(({ id }) => (needed.blobs.get(id) ?? []).length > 0);
  const ahead = await isAheadWorthwhile(registry, downloaded);
  const { way, space, lack } = await chooseWay(
    possibleWays(needed, { downloadOnly, ahead }),
    (uses) => spaceOn(context, uses),
    (space) => lackOfSpace(context, situation, what, space),
  );
  const unpinned = images.filter(({ pinned }) => !pinned).length;
  const kept = new Set(images.map((image) => image.id));
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
    inStore: sizeOf(needed.inDepot),
    free: space[0]?.free ?? 0,
    space,
    ...lacking(lack ?? (await context.engine.roomFor(root.id, unpinned))),
    deferred:
      runningRoot(context.state.activation, situation.records) === root.id
        ? []
        : deferredNames(situation, root.id, images),
    drops: (record?.staged?.images ?? []).filter((image) => !kept.has(image.id)),
  };
}

/** A name that is downloaded once more means what it means now. */
function withoutWaiting(record: RootRecord | undefined): RootRecord | undefined {
  if (record === undefined) return undefined;
  const { pending: _pending, ...rest } = record;
  return rest;
}

function lacking(lack: BerthError | undefined): Pick<Plan, 'lack'> {
  return lack === undefined ? {} : { lack };
}
