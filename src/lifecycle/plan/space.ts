import { BerthError } from '../../common/errors.ts';
import { type FileSystem, fileSystemOf } from '../../common/file-system.ts';
import { formatBytes } from '../../common/format-bytes.ts';
import type { EngineInfo } from '../../engine/engine.ts';
import { byDigest } from '../../image/name.ts';
import type { Blob, ResolvedImage } from '../../image/resolved.ts';
import type { Access } from '../../registry/access.ts';
import type { Context } from '../context.ts';
import { freedBy, prunable } from '../prune.ts';
import { reserved } from '../reserve.ts';
import type { Situation } from '../situation.ts';

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
  /** The blobs that are missing of each image, by its id. */
  readonly blobs: ReadonlyMap<string, readonly Blob[]>;
  /** Those that come over the network, each once. */
  readonly downloads: readonly Blob[];
  /** Those that lie in the engine's depot and that it lacks, each once. */
  readonly inStore: readonly Blob[];
  /** Every file system that is written to, that of the engine first. */
  readonly space: readonly Space[];
  /** The same for an engine that has a depot, if the images don't wait there. */
  readonly direct?: readonly Space[];
  /** The same, if they wait there and no more. */
  readonly waiting?: readonly Space[];
}

/** As many images podman unpacks at once. */
const UNPACKED_AT_A_TIME = 2;

/** An archive that podman loads it writes to a file, then takes apart, then each blob once more. */
const COPIES_OF_ARCHIVES = 3;

/** What fetching these images takes of the network and of each file system. Reads only. */
export async function neededFor(
  context: Context,
  situation: Situation,
  info: EngineInfo,
  wanted: readonly Wanted[],
): Promise<Needed> {
  const { engine } = context;
  const absent: Absent[] = [];
  for (const item of wanted) {
    if (isKnownByDigest(item.image, item.id, situation)) continue;
    absent.push({ ...item, missing: await engine.missingBlobs(item.image) });
  }
  const blobs = new Map(
    [...Map.groupBy(absent, ({ id }) => id)].map(([id, entries]) => [id, missingOf(entries)]),
  );
  const remote = absent.filter(({ access }) => access.shipped === undefined);
  const downloads = missingOf(remote);
  const kept = (entries: readonly Absent[], directory: string): Use => {
    const missing = missingOf(entries);
    const files = missing.length + entries.length;
    return { directory, bytes: sizeOf(missing), files, estimated: false };
  };
  if (info.unpacking === undefined) {
    const space = await spaceOn(context, [kept(absent, info.directory)]);
    return { blobs, downloads, inStore: [], space };
  }
  const known = new Unpacked(absent.length === 0 ? [] : await engine.layers());
  const lacking = absent.map(({ image }) => image.blobs.filter((blob) => !known.has(blob)));
  const bytes = absent.reduce((sum, { image }) => sum + known.add(image.blobs.slice(1)), 0);
  const files = Math.ceil(bytes / BYTES_A_FILE);
  const unpacked = { directory: info.directory, bytes, files, estimated: true };
  const beside = (copies: number): Use => ({
    directory: info.unpacking ?? info.directory,
    bytes: copies * largest(lacking.map(sizeOf), UNPACKED_AT_A_TIME),
    files: 0,
    estimated: false,
  });
  const direct = await spaceOn(context, [unpacked, beside(1)]);
  if (engine.depot === undefined) return { blobs, downloads, inStore: [], space: direct };
  const { depot } = engine;
  const waiting = kept(remote, depot.directory);
  return {
    blobs,
    downloads,
    inStore: distinctOf(lacking.flat()).filter((blob) => depot.has(blob)),
    space: await spaceOn(context, [unpacked, beside(COPIES_OF_ARCHIVES), waiting]),
    direct,
    waiting: await spaceOn(context, [waiting]),
  };
}

interface Absent extends Wanted {
  readonly missing: readonly Blob[];
}

function missingOf(entries: readonly Absent[]): readonly Blob[] {
  return distinctOf(entries.flatMap(({ missing }) => missing));
}

/** An image that is there under another name than this is not downloaded, but its documents are. */
export function isKnownByDigest(image: ResolvedImage, id: string, { images }: Situation): boolean {
  return images.get(id)?.digests.includes(byDigest(image.name, image.digest)) === true;
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
 * The layers that an engine has unpacked. It knows one by the digest of its blob and does not ask
 * for it again then; but it keeps one for each chain of layers below it, and unpacks it anew
 * under another. Seen of podman 4.3.1 and 5.4.2.
 */
class Unpacked {
  readonly #blobs = new Set<string>();
  readonly #chains = new Set<string>();

  constructor(chains: readonly (readonly string[])[]) {
    for (const chain of chains) {
      this.#blobs.add(chain.at(-1) ?? '');
      this.#chains.add(chain.join(' '));
    }
  }

  has({ digest }: Blob): boolean {
    return this.#blobs.has(digest);
  }

  /** Adds an image. @returns what it takes on disk, about. */
  add(layers: readonly Blob[]): number {
    let bytes = 0;
    let chain = '';
    for (const layer of layers) {
      chain = chain === '' ? layer.digest : `${chain} ${layer.digest}`;
      if (!this.#chains.has(chain)) bytes += unpackedSize(layer);
      this.#chains.add(chain);
    }
    return bytes;
  }
}

/** What lies compressed beside what is unpacked of it: that of the largest images at a time. */
function largest(sizes: readonly number[], atATime: number): number {
  return sizes
    .toSorted((a, b) => b - a)
    .slice(0, atATime)
    .reduce((sum, size) => sum + size, 0);
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
