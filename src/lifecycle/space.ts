import { createHash } from 'node:crypto';
import type { EngineInfo } from '../engine/engine.ts';
import { BerthError } from '../errors.ts';
import { formatBytes } from '../format-bytes.ts';
import type { Blob, ResolvedImage } from '../image/resolved.ts';
import type { Access } from '../registry/access.ts';
import type { Registry } from '../registry/registry.ts';
import type { Context, Situation } from './context.ts';
import { type FileSystem, fileSystemOf } from './file-system.ts';
import { mapLimited } from './limited.ts';
import { freedBy, prunable } from './prune.ts';
import { reserved } from './reserve.ts';

/** What a plan writes to one file system. */
export interface Space {
  readonly directory: string;
  /** In bytes. */
  readonly needed: number;
  /** Whether `needed` is no more than an estimate: no registry says how large a layer unpacks. */
  readonly estimated: boolean;
  readonly free: number;
  /** To stay free. */
  readonly reserve: number;
  /** How much is missing; 0 if there is enough. */
  readonly short: number;
  /** How many files are missing: of those, some file systems hold only so many. */
  readonly shortFiles: number;
}

/** An image that is to be fetched. */
export interface Wanted {
  readonly id: string;
  readonly image: ResolvedImage;
  readonly access: Access;
}

export interface Needed {
  /** The blobs to download for each image, by its id. */
  readonly blobs: ReadonlyMap<string, readonly Blob[]>;
  /** Every file system that is written to, that of the engine first. */
  readonly space: readonly Space[];
}

/** Enough to hide the round trips, few enough to be a polite client. */
const LOOKUPS_AT_A_TIME = 8;

/** What fetching these images takes of the network and of each file system. Reads only. */
export async function neededFor(
  context: Context,
  registry: Registry,
  situation: Situation,
  info: EngineInfo,
  wanted: readonly Wanted[],
): Promise<Needed> {
  const { engine } = context;
  const absent: { readonly item: Wanted; readonly blobs: readonly Blob[] }[] = [];
  for (const item of wanted) {
    // podman answers only slowly for each image what its list has told for all.
    if (situation.images.has(item.id)) continue;
    const blobs = await engine.missingBlobs(item.image);
    if (blobs.length > 0) absent.push({ item, blobs });
  }
  if (info.unpacking === undefined) {
    const distinct = distinctOf(absent.flatMap(({ blobs }) => blobs));
    const files = distinct.length + absent.length;
    const use = { directory: info.directory, bytes: sizeOf(distinct), files, estimated: false };
    const blobs = new Map(absent.map((entry) => [entry.item.id, entry.blobs]));
    return { blobs, space: await spaceOn(context, [use]) };
  }
  const known = new Unpacked(
    absent.length === 0 ? [] : await engine.layers(situation.images.keys()),
  );
  const items = await mapLimited(absent, LOOKUPS_AT_A_TIME, async ({ item }) => ({
    item,
    diffIds: await diffIdsOf(context, registry, item),
  }));
  const blobs = new Map(
    items.map(({ item, diffIds }) => [item.id, downloadsOf(item.image, diffIds, known)]),
  );
  const bytes = items.reduce(
    (sum, { item, diffIds }) => sum + known.add(item.image.blobs.slice(1), diffIds),
    0,
  );
  const files = Math.ceil(bytes / BYTES_A_FILE);
  const unpacked = { directory: info.directory, bytes, files, estimated: true };
  const compressed = inFlight([...blobs.values()], engine.concurrency);
  const packed = { directory: info.unpacking, bytes: compressed, files: 0, estimated: false };
  const uses = compressed === 0 ? [unpacked] : [unpacked, packed];
  return { blobs, space: await spaceOn(context, uses) };
}

/**
 * The error for what does not fit, undefined if it does.
 *
 * @param what needs so much: `staging ID needs 3 MB to download`.
 */
export async function lackOfSpace(
  context: Context,
  situation: Situation,
  what: string,
  space: readonly Space[],
): Promise<BerthError | undefined> {
  const short = space.filter((place) => place.short > 0 || place.shortFiles > 0);
  if (short.length === 0) return undefined;
  const message = `${what}, and ${short.map(lackOf).join('; ')}`;
  const freed = await freedBy(context, prunable(situation));
  const prune =
    freed === 0
      ? '`berth prune` would free nothing'
      : `\`berth prune\` would free up to ${formatBytes(freed)}`;
  return new BerthError('no-space', message, {
    hint: `${prune}; else make space there, enlarge the file system, or lower \`reserve\` in berth.toml`,
    kind: 'refused',
  });
}

function lackOf(place: Space): string {
  const { directory, needed, estimated, free, reserve, short, shortFiles } = place;
  const about = estimated ? 'about ' : '';
  const files = shortFiles > 0 ? `${about}${shortFiles} files too many for it` : '';
  const bytes =
    short > 0 ? `${formatBytes(reserve)} are to stay free, ${formatBytes(short)} are missing` : '';
  const lacks = [bytes, files].filter((text) => text !== '').join(', ');
  return `${about}${formatBytes(needed)} on disk in ${directory}, where ${formatBytes(free)} are free: ${lacks}`;
}

/**
 * How many bytes one compressed byte becomes on disk. Measured on layers of Debian 13: 2.4 to 2.7
 * with gzip, 2.7 with zstd, blocks counted; source code and text make it 4.
 */
const UNPACKED = 3;

/** Of a layer that is not compressed: headers go, blocks are filled up. */
const UNPACKED_PLAIN = 1.15;

/** Debian 13 has a file for every 49 kB; images of scripts have more. */
const BYTES_A_FILE = 32 * 1024;

function unpackedSize({ mediaType, size }: Blob): number {
  const isCompressed = /[+.](gzip|zstd)$/.test(mediaType);
  return Math.ceil(size * (isCompressed ? UNPACKED : UNPACKED_PLAIN));
}

/**
 * The layers that an engine has unpacked. It knows one by what it is (its diffID) and does not
 * download it again then; but it keeps one for each chain of layers below it, and unpacks it anew
 * under another. Seen of podman 4.3.1 and 5.4.2.
 */
class Unpacked {
  readonly #layers = new Set<string>();
  readonly #chains = new Set<string>();

  constructor(images: readonly (readonly string[])[]) {
    for (const diffIds of images) {
      for (const diffId of diffIds) this.#layers.add(diffId);
      for (const chain of chainsOf(diffIds)) this.#chains.add(chain);
    }
  }

  has(diffId: string): boolean {
    return this.#layers.has(diffId);
  }

  /** Adds an image. @returns what it takes on disk, about. */
  add(layers: readonly Blob[], diffIds: readonly string[] | undefined): number {
    const chains = chainsOf(diffIds ?? layers.map(({ digest }) => digest));
    let bytes = 0;
    for (const [i, chain] of chains.entries()) {
      const layer = layers[i];
      if (layer !== undefined && !this.#chains.has(chain)) bytes += unpackedSize(layer);
      this.#chains.add(chain);
    }
    return bytes;
  }
}

/** image-spec, config.md, "Layer ChainID", by which engines know a layer with all below it. */
function chainsOf(diffIds: readonly string[]): readonly string[] {
  let chain: string | undefined;
  return diffIds.map((diffId) => {
    chain =
      chain === undefined
        ? diffId
        : `sha256:${createHash('sha256').update(`${chain} ${diffId}`).digest('hex')}`;
    return chain;
  });
}

function downloadsOf(
  { blobs }: ResolvedImage,
  diffIds: readonly string[] | undefined,
  known: Unpacked,
): readonly Blob[] {
  const [config, ...layers] = blobs;
  const missing = layers.filter((_, i) => !known.has(diffIds?.[i] ?? ''));
  return distinctOf(config === undefined ? missing : [config, ...missing]);
}

/** Undefined where the registry won't tell: then all of the image counts. */
async function diffIdsOf(
  { signal }: Context,
  registry: Registry,
  { image, access }: Wanted,
): Promise<readonly string[] | undefined> {
  // What is shipped costs no network, and so much the disk has to have in any case.
  if (access.shipped !== undefined) return undefined;
  try {
    return await registry.diffIds(image, access, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof BerthError)) throw error;
    return undefined;
  }
}

/** What lies compressed beside what is unpacked of it: that of the largest images at a time. */
function inFlight(images: readonly (readonly Blob[])[], atATime: number): number {
  const sizes = images.map(sizeOf).toSorted((a, b) => b - a);
  return sizes.slice(0, atATime).reduce((sum, size) => sum + size, 0);
}

interface Use {
  readonly directory: string;
  readonly bytes: number;
  readonly files: number;
  readonly estimated: boolean;
}

/** What it takes to write these blobs into the store of the state directory, as they are. */
export function spaceInStore(
  context: Context,
  directory: string,
  blobs: readonly Blob[],
): Promise<readonly Space[]> {
  const distinct = distinctOf(blobs);
  const use = { directory, bytes: sizeOf(distinct), files: distinct.length, estimated: false };
  return spaceOn(context, [use]);
}

/** What is used of each file system; directories on one are taken together. */
async function spaceOn(context: Context, uses: readonly Use[]): Promise<readonly Space[]> {
  const systems = new Map<number, { readonly system: FileSystem; readonly uses: Use[] }>();
  for (const use of uses) {
    const system = await fileSystemOf(use.directory);
    const known = systems.get(system.device);
    if (known === undefined) systems.set(system.device, { system, uses: [use] });
    else known.uses.push(use);
  }
  return [...systems.values()].map((entry) => spaceOf(context, entry.system, entry.uses));
}

function spaceOf({ reserve }: Context, system: FileSystem, uses: readonly Use[]): Space {
  const { total, free, freeFiles = Number.POSITIVE_INFINITY } = system;
  const needed = uses.reduce((sum, { bytes }) => sum + bytes, 0);
  const files = uses.reduce((sum, use) => sum + use.files, 0);
  const kept = reserved(reserve, total);
  return {
    directory: uses[0]?.directory ?? '/',
    needed,
    estimated: uses.some(({ bytes, estimated }) => estimated && bytes > 0),
    free,
    reserve: kept,
    // Who needs nothing is not in the way, however full it is.
    short: needed === 0 ? 0 : Math.max(0, needed + kept - free),
    shortFiles: needed === 0 ? 0 : Math.max(0, files - freeFiles),
  };
}

function distinctOf(blobs: readonly Blob[]): readonly Blob[] {
  return [...new Map(blobs.map((blob) => [blob.digest, blob])).values()];
}

export function sizeOf(blobs: readonly Blob[]): number {
  return distinctOf(blobs).reduce((sum, { size }) => sum + size, 0);
}
