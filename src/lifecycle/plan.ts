import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { EngineInfo } from '../engine/engine.ts';
import { BerthError, systemErrorCode } from '../errors.ts';
import type { Blob, ResolvedImage } from '../image/resolved.ts';
import type { Access } from '../registry/access.ts';
import type { Registry } from '../registry/registry.ts';
import type { Binding } from './bindings.ts';
import type { Context, Situation } from './context.ts';
import { meaningsOf } from './provenance.ts';
import { isLiving, type RecordDeployment, type RecordImage } from './record.ts';
import { type Resolution, type ResolutionFailure, resolveBindings } from './resolve.ts';
import type { BoundProblem } from './survey.ts';

/** What staging would do: decided once, and then carried out to the letter. Plain data. */
export interface Plan {
  readonly root: PlannedRoot;
  readonly engine: EngineInfo;
  readonly images: readonly PlannedImage[];
  /** The problems on bound references: with one of them the root will not be ready. */
  readonly problems: readonly BoundProblem[];
  /** The names that could not be resolved. */
  readonly failures: readonly ResolutionFailure[];
  /** To download in all, in bytes; a blob that several images share counts once. */
  readonly bytes: number;
  /** Free on the engine's file system, in bytes. */
  readonly free: number;
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
}

export interface PlannedName {
  readonly name: string;
  readonly digest: string;
  /** Whether the root's lock says what the name means. */
  readonly locked: boolean;
  readonly references: Binding['references'];
  /** What to fetch and how; absent where the record's image is kept and present. */
  readonly fetch?: { readonly image: ResolvedImage; readonly access: Access };
}

export interface DeferredName {
  readonly name: string;
  readonly id: string;
  /** The image that it means now. */
  readonly current: string;
  /** The roots that mean that. */
  readonly heldBy: readonly string[];
}

/** Resolves every binding and compares with what is there. Reads only. */
export async function planStage(
  context: Context,
  registry: Registry,
  situation: Situation,
  root: PlannedRoot,
  bindings: readonly Binding[],
  problems: readonly BoundProblem[],
): Promise<Plan> {
  const record = situation.records.get(root.id);
  if (record !== undefined && isLiving(record) && record.location !== root.location) {
    const message = `${root.id} was staged from ${record.location}; staging ${root.location} under this id replaces that`;
    context.report({ event: 'warning', message });
  }
  const resolved = await resolveBindings(context, registry, situation, record, bindings);
  const missing = new Map<string, Blob>();
  const images: PlannedImage[] = [];
  for (const group of Map.groupBy(resolved.resolutions, (r) => r.id).values()) {
    const [first] = group;
    if (first !== undefined) {
      images.push(await planImage(context, situation, root.id, first, group, missing));
    }
  }
  const info = await context.engine.info();
  const wanted = new Set(images.map((image) => image.id));
  return {
    root,
    engine: info,
    images,
    problems: [...problems, ...resolved.problems],
    failures: resolved.failures,
    bytes: [...missing.values()].reduce((sum, blob) => sum + blob.size, 0),
    free: await freeBytes(info.directory),
    deferred: deferredNames(situation, root.id, images),
    drops: (record?.staged?.images ?? []).filter((image) => !wanted.has(image.id)),
  };
}

async function planImage(
  context: Context,
  situation: Situation,
  root: string,
  first: Resolution,
  group: readonly Resolution[],
  missing: Map<string, Blob>,
): Promise<PlannedImage> {
  const blobs = first.image === undefined ? [] : await context.engine.missingBlobs(first.image);
  for (const blob of blobs) missing.set(blob.digest, blob);
  return {
    id: first.id,
    manifest: first.manifest,
    platform: first.platform,
    size: first.size,
    names: group.map(({ binding, digest, locked, image, access }) => ({
      name: binding.name,
      digest,
      locked,
      references: binding.references,
      ...(image === undefined || access === undefined ? {} : { fetch: { image, access } }),
    })),
    present: situation.images.has(first.id),
    pinned: situation.pins.some((pin) => pin.root === root && pin.id === first.id),
    bytes: blobs.reduce((sum, blob) => sum + blob.size, 0),
  };
}

/** A name that another living root means otherwise stays as it is. */
function deferredNames(
  situation: Situation,
  root: string,
  images: readonly PlannedImage[],
): readonly DeferredName[] {
  const others = [...situation.records.values()].filter((record) => record.id !== root);
  return images.flatMap((image) =>
    image.names.flatMap(({ name }) => {
      if (name.includes('@')) return [];
      const otherwise = [...meaningsOf(name, others)].filter(([id]) => id !== image.id);
      return otherwise.map(([current, heldBy]) => ({ name, id: image.id, current, heldBy }));
    }),
  );
}

/** Free bytes for whoever runs berth, on the file system of a directory that may not exist yet. */
async function freeBytes(directory: string): Promise<number> {
  for (let path = directory; ; path = dirname(path)) {
    try {
      const { bavail, bsize } = await statfs(path);
      return bavail * bsize;
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT' && path !== '/') continue;
      throw new BerthError('state-directory', `can't tell the free space of ${path}`, {
        hint: 'see that the directory can be read',
        cause: error,
      });
    }
  }
}
