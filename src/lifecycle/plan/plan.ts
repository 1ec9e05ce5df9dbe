import type { Binding } from '../../binding/bindings.ts';
import type { BoundProblem } from '../../binding/survey.ts';
import type { Wanted } from '../../binding/wanted.ts';
import { counted } from '../../common/counted.ts';
import type { BerthError } from '../../common/errors.ts';
import { formatBytes } from '../../common/format-bytes.ts';
import type { NameFailure } from '../../common/limited.ts';
import type { EngineInfo } from '../../engine/engine.ts';
import type { ResolvedImage } from '../../image/resolved.ts';
import type { Access } from '../../registry/access.ts';
import { RegistryError } from '../../registry/errors.ts';
import { type Registry } from '../../registry/registry.ts';
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
import { meaningsOf, pinsOf } from '../provenance.ts';
import type { Situation } from '../situation.ts';
import { lackOfLocks } from './locks.ts';
import { type Resolution, resolveBindings } from './resolve.ts';
import {
  isKnownByDigest,
  lackOfSpace,
  type Needed,
  neededFor,
  type Space,
  sizeOf,
} from './space.ts';
import { otherStorage, withoutShadowed } from './storage-differs.ts';

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

/**
 * How images come: `direct` into the engine; by way of its depot (`two-steps`); or they wait there
 * (`download`).
 */
export type Way = 'direct' | 'two-steps' | 'download';

export interface PlannedRoot {
  readonly id: string;
  readonly location: string;
  /** What its updater says of it, where it has one. */
  readonly deployment?: RecordDeployment;
}

export interface PlannedImage {
  readonly id: string;
  readonly manifest: string;
  readonly platform: string;
  /** Compressed, in bytes. */
  readonly size: number;
  readonly names: readonly PlannedName[];
  readonly present: boolean;
  readonly pinned: boolean;
  /** To download for this image alone, in bytes. */
  readonly bytes: number;
  /** To copy from what the root ships, in bytes. */
  readonly loads: number;
}

export interface PlannedName {
  readonly name: string;
  readonly digest: string;
  /** Whether the root's lock says what the name means. */
  readonly locked: boolean;
  readonly references: Binding['references'];
  /** What to fetch and how; absent where the record's image is kept and present. */
  readonly fetch?: PlannedFetch;
}

export interface PlannedFetch {
  readonly image: ResolvedImage;
  readonly access: Access;
  /** Whether the engine knows the image by this name's digest. */
  readonly isKnown: boolean;
}

export interface DeferredName {
  readonly name: string;
  readonly id: string;
  /** The image that it means now. */
  readonly current: string;
  /** The roots that mean that. */
  readonly heldBy: readonly string[];
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
  const fetched = resolved.resolutions.flatMap(({ id, image, access }) =>
    image === undefined || access === undefined ? [] : [{ id, image, access }],
  );
  const needed = await neededFor(context, situation, info, fetched);
  const images = [...groups.values()].flatMap((group) =>
    planImage(situation, root.id, group, needed.blobs),
  );
  const bytes = sizeOf(needed.downloads);
  const what = `staging ${root.id} needs ${formatBytes(bytes)} to download`;
  const downloaded = fetched.filter(({ id }) => (needed.blobs.get(id) ?? []).length > 0);
  const ahead = await isAheadWorthwhile(registry, downloaded);
  const { way, space, lack } = await wayFor(ways(needed, downloadOnly, ahead), (space) =>
    lackOfSpace(context, situation, what, space),
  );
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
    inStore: sizeOf(needed.inStore),
    free: space[0]?.free ?? 0,
    space,
    ...lacking(lack ?? (await lackOfLocks(context, situation, root.id, images))),
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

interface Possible {
  readonly way: Way;
  readonly space: readonly Space[];
}

/** In milliseconds: no registry in the same network takes as long to reply. */
const FAR = 10;

/**
 * Whether to download while the engine unpacks what came before. It then writes each image twice
 * more, which costs what is won where registries are near (measured: 12.6 s one by one and 13.3 s so
 * from loopback, 23.2 s and 17.0 s at 30 ms and 200 Mbit/s).
 */
async function isAheadWorthwhile(
  registry: Registry,
  downloaded: readonly {
    readonly id: string;
    readonly image: ResolvedImage;
    readonly access: Access;
  }[],
): Promise<boolean> {
  if (new Set(downloaded.map(({ id }) => id)).size < 2) return false;
  for (const { image, access } of downloaded) {
    if (access.shipped !== undefined) continue;
    const reply = await registry.quickestReply(image.name, access);
    if (reply === undefined || reply < FAR) continue;
    try {
      await registry.foresee(image.name, 'archives');
      return true;
    } catch (error) {
      // The engine pulls it then, and judges it, or the policy, itself.
      if (!(error instanceof RegistryError)) throw error;
    }
  }
  return false;
}

/** What lies in the depot is worth going by it, where there is room. */
function ways(
  { space, direct, waiting, inStore }: Needed,
  downloadOnly: boolean,
  ahead: boolean,
): readonly Possible[] {
  if (downloadOnly && waiting !== undefined) return [{ way: 'download', space: waiting }];
  if (direct === undefined) return [{ way: 'direct', space }];
  if (inStore.length === 0 && !ahead) return [{ way: 'direct', space: direct }];
  return [
    { way: 'two-steps', space },
    { way: 'direct', space: direct },
  ];
}

/** The first way for which there is room; the last, with what is missing for it, if for none. */
async function wayFor(
  possible: readonly Possible[],
  lackOf: (space: readonly Space[]) => Promise<BerthError | undefined>,
): Promise<Possible & { readonly lack: BerthError | undefined }> {
  let last: (Possible & { readonly lack: BerthError | undefined }) | undefined;
  for (const one of possible) {
    last = { ...one, lack: await lackOf(one.space) };
    if (last.lack === undefined) break;
  }
  return last ?? { way: 'direct', space: [], lack: undefined };
}

function planImage(
  situation: Situation,
  root: string,
  group: readonly Resolution[],
  blobs: Needed['blobs'],
): readonly PlannedImage[] {
  const [first] = group;
  if (first === undefined) return [];
  const comes = sizeOf(blobs.get(first.id) ?? []);
  const isShipped = group.every(({ access }) => access?.shipped !== undefined);
  const image = {
    id: first.id,
    manifest: first.manifest,
    platform: first.platform,
    size: first.size,
    names: group.map(({ binding, digest, locked, image, access }) => ({
      name: binding.name,
      digest,
      locked,
      references: binding.references,
      ...(image === undefined || access === undefined
        ? {}
        : { fetch: { image, access, isKnown: isKnownByDigest(image, first.id, situation) } }),
    })),
    present: situation.images.has(first.id),
    pinned: pinsOf(root, situation.pins).has(first.id),
    bytes: isShipped ? 0 : comes,
    loads: isShipped ? comes : 0,
  };
  return [image];
}

/** A name that another living root means otherwise stays as it is. */
function deferredNames(
  situation: Situation,
  root: string,
  images: readonly PlannedImage[],
): readonly DeferredName[] {
  return images.flatMap((image) =>
    image.names.flatMap(({ name }) => {
      if (name.includes('@')) return [];
      const meanings = meaningsOf(name, situation.records, root);
      const otherwise = [...meanings].filter(([id]) => id !== image.id);
      return otherwise.map(([current, heldBy]) => ({ name, id: image.id, current, heldBy }));
    }),
  );
}
