import { type FileSystem, fileSystemOf } from '../../common/file-system.ts';
import { formatBytes } from '../../common/format-bytes.ts';
import { type Use, useOfBlobs } from '../../engine/footprint.ts';
import type { Blob } from '../../image/resolved.ts';
import type { Context } from '../context.ts';
import { LifecycleError } from '../error.ts';
import { freedBy, prunable } from '../prune.ts';
import { reserved } from '../reserve.ts';
import type { Situation } from '../situation.ts';

/** The bytes and files that a plan writes to one file system. */
export interface Space {
  readonly directory: string;
  /** In bytes. */
  readonly needed: number;
  /** The part of `needed` that stays when the images have come, in bytes. */
  readonly stays: number;
  /** Whether `needed` and `stays` are estimates, as of `Use`. */
  readonly estimated: boolean;
  readonly free: number;
  /** To stay free. */
  readonly reserve: number;
  /** How much is missing; 0 if there is enough. */
  readonly short: number;
  /** How many files are missing: some file systems hold only so many. */
  readonly shortFiles: number;
}

/** The space that these blobs take in the store of the state directory, unchanged. */
export function spaceInStore(
  context: Context,
  directory: string,
  blobs: readonly Blob[],
): Promise<readonly Space[]> {
  return spaceOn(context, [useOfBlobs(directory, blobs, 0)]);
}

/** The use of each file system; directories on the same file system are added up. */
export async function spaceOn(
  { reserve }: Pick<Context, 'reserve'>,
  uses: readonly Use[],
): Promise<readonly Space[]> {
  const systems = new Map<number, { readonly system: FileSystem; readonly uses: Use[] }>();
  for (const use of uses) {
    const system = await fileSystemOf(use.directory);
    const known = systems.get(system.device);
    if (known === undefined) systems.set(system.device, { system, uses: [use] });
    else known.uses.push(use);
  }
  return [...systems.values()].map(({ system, uses }) =>
    spaceOf(system, uses, reserved(reserve, system.total)),
  );
}

/**
 * The space that is needed on one file system, and how much of it is missing.
 *
 * @param reserve in bytes, to stay free.
 */
export function spaceOf(
  { free, freeFiles = Number.POSITIVE_INFINITY }: Pick<FileSystem, 'free' | 'freeFiles'>,
  uses: readonly Use[],
  reserve: number,
): Space {
  const needed = uses.reduce((sum, { bytes }) => sum + bytes, 0);
  const files = uses.reduce((sum, use) => sum + use.files, 0);
  return {
    directory: uses[0]?.directory ?? '/',
    needed,
    stays: uses.reduce((sum, { stays }) => sum + stays, 0),
    estimated: uses.some(({ bytes, estimated }) => estimated && bytes > 0),
    free,
    reserve,
    // A plan that needs nothing is possible, however full the file system is.
    short: needed === 0 ? 0 : Math.max(0, needed + reserve - free),
    shortFiles: needed === 0 ? 0 : Math.max(0, files - freeFiles),
  };
}

/**
 * The error that says what does not fit; undefined if everything fits.
 *
 * @param what the work that needs the space: `staging ID needs 3 MB to download`.
 */
export async function lackOfSpace(
  situation: Pick<Situation, 'engines' | 'records'>,
  what: string,
  space: readonly Space[],
): Promise<LifecycleError | undefined> {
  const short = space.filter((place) => place.short > 0 || place.shortFiles > 0);
  if (short.length === 0) return undefined;
  const message = `${what}, and ${short.map(lackOf).join('; ')}`;
  const freed = await freedBy(situation, prunable(situation));
  const prune =
    freed === 0
      ? '`berth prune` would free nothing'
      : `\`berth prune\` would free up to ${formatBytes(freed)}`;
  return new LifecycleError('no-space', message, {
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
