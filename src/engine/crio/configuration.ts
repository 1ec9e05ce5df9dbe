import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { systemErrorCode } from '../../common/errors.ts';
import { CRIO_DROP_IN } from '../../image/crio-drop-in.ts';
import { EngineError } from '../errors.ts';
import { readBounded } from './read-bounded.ts';

/** Where CRI-O reads its configuration: crio(8). */
export interface ConfigPlaces {
  /** `/etc/crio/crio.conf` */
  readonly main: string;
  /** `/etc/crio/crio.conf.d` */
  readonly dropIns: string;
}

/** The most drop-ins that are read; hosts have a handful. */
const MAX_FILES = 1000;

/** What others want pinned, and whether another file overrides berth's. */
export interface OthersPins {
  /** The entries of the last file of others that sets them: names, and patterns with `*`. */
  readonly pinned: readonly string[];
  /** The file that CRI-O reads after berth's, and whose list replaces berth's. */
  readonly overriding: string | undefined;
}

/**
 * What the files of others pin. CRI-O decodes one file over the other, so only the last list of `pinned_images`
 * counts.
 *
 * Source: CRI-O 1.36 (pkg/config, `UpdateFromPath`): every file of the directory and its subdirectories,
 * whatever its name, in the order of the bytes of the names.
 *
 * @throws {EngineError} `engine-failed` for a file that CRI-O would not read either.
 */
export async function othersPins({ main, dropIns }: ConfigPlaces): Promise<OthersPins> {
  let pinned: readonly string[] = [];
  let overriding: string | undefined;
  let isAfterOwn = false;
  for (const path of [main, ...filesIn(dropIns)]) {
    if (path === join(dropIns, CRIO_DROP_IN)) {
      isAfterOwn = true;
      continue;
    }
    const list = await pinnedIn(path);
    if (list === undefined) continue;
    pinned = list;
    // The file would also override a drop-in that berth has yet to write.
    if (isAfterOwn || isAfter(dropIns, path)) overriding = path;
  }
  return { pinned, overriding };
}

/** Whether a drop-in is read after berth's file. */
function isAfter(dropIns: string, path: string): boolean {
  if (!path.startsWith(`${dropIns}/`)) return false;
  const [name = ''] = path.slice(dropIns.length + 1).split('/');
  return byBytes(name, CRIO_DROP_IN) > 0;
}

/** The files below a directory in CRI-O's order; none if there is no directory. */
function filesIn(directory: string, left = { count: MAX_FILES }): readonly string[] {
  const names = namesIn(directory).sort(byBytes);
  return names.flatMap((name) => {
    left.count -= 1;
    if (left.count < 0) throw failed(directory, `it has more than ${MAX_FILES} files`);
    const path = join(directory, name);
    return isDirectory(path) ? filesIn(path, left) : [path];
  });
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw failed(directory, String(error), error);
  }
}

function isDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** The `pinned_images` of a file; undefined if the file sets none, or does not exist. */
async function pinnedIn(path: string): Promise<readonly string[] | undefined> {
  const text = readBounded(path, (reason, cause) => failed(path, reason, cause));
  // Most files set no such list, and need not be parsed.
  if (text === undefined || !text.includes('pinned_images')) return undefined;
  const { parse } = await import('smol-toml');
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw failed(path, `it is not TOML: ${reason}`, error);
  }
  if (!v.is(Pinning, value)) {
    throw failed(path, 'expected crio.image.pinned_images to be a list of strings');
  }
  // CRI-O ignores empty entries.
  return value.crio?.image?.pinned_images?.filter((entry) => entry !== '');
}

/** The part of a file that says what is pinned. */
const Pinning = v.looseObject({
  crio: v.optional(
    v.looseObject({
      image: v.optional(v.looseObject({ pinned_images: v.optional(v.array(v.string())) })),
    }),
  ),
});

function failed(path: string, reason: string, cause?: unknown): EngineError {
  return new EngineError('engine-failed', `can't read CRI-O's configuration ${path}: ${reason}`, {
    hint: 'correct the file; CRI-O does not take its configuration as it is',
    cause,
  });
}
