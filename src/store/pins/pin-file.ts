import { rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import * as v from 'valibot';
import { parseBy } from '../../common/check-by.ts';
import type { EngineId } from '../../common/engine-id.ts';
import { makeDirectory } from '../../common/files/make-directory.ts';
import { assertRootId } from '../../common/roots.ts';
import { EngineIdText } from '../../engine/engine-id-schema.ts';
import type { PinRequest } from '../../engine/pin.ts';
import { Count, Digest, PinnedDeployment, RootId } from '../../engine/pinned-schema.ts';
import { sha256 } from '../../image/digest.ts';
import { damaged, storeFailure } from '../failure.ts';
import { readBounded, syncDirectory, writeWhole } from '../file.ts';
import { entriesOf, type Layout } from '../layout.ts';

/** Enough for some 30,000 pins. */
const MAX_BYTES = 16 * 1024 * 1024;

const PinFileSchema = v.strictObject({
  schemaVersion: v.literal(1),
  root: RootId,
  pins: v.array(
    v.strictObject({
      id: Digest,
      platform: v.string(),
      names: v.array(
        v.strictObject({ name: v.string(), digest: v.string(), manifest: v.string() }),
      ),
      fetched: v.boolean(),
      record: v.strictObject({
        location: v.string(),
        images: Count,
        problems: Count,
        staged: v.string(),
        deployment: v.optional(PinnedDeployment),
      }),
      engine: v.optional(EngineIdText),
    }),
  ),
});

/** A pin of the store, or its hold on an image that waits for another engine. */
export interface StoredPin extends PinRequest {
  /** The engine for which a held image waits; absent for `Store.unnamedEngine`, and for pins. */
  readonly engine?: EngineId | undefined;
}

/** The pins of one root. */
export interface PinFile {
  readonly root: string;
  readonly pins: readonly StoredPin[];
}

/** The files of pins by path; each is validated again only when its content changes. */
export type PinCache = Map<string, { readonly digest: string; readonly file: PinFile }>;

/**
 * Every file of pins in a directory, `Layout.pins` or `Layout.waiting`.
 *
 * @throws {EngineError} `store-damaged` for a file that can't be read: no pin is ever ignored.
 */
export function readPinFiles(directory: string, cache: PinCache): readonly PinFile[] {
  const paths = entriesOf(directory)
    .filter((entry) => entry.endsWith('.json'))
    .map((entry) => join(directory, entry));
  const present = new Set(paths);
  for (const path of cache.keys()) {
    if (dirname(path) === directory && !present.has(path)) cache.delete(path);
  }
  return paths.map((path) => readPinFile(path, cache)).filter((file) => file !== undefined);
}

/** The pins of a root; none if it has no file. */
export function pinsOf(directory: string, cache: PinCache, root: string): readonly StoredPin[] {
  return readPinFile(pathOf(directory, root), cache)?.pins ?? [];
}

/** Writes the pins of the root; without pins, the root's file is removed. */
export async function writePins(
  layout: Layout,
  directory: string,
  root: string,
  pins: readonly StoredPin[],
): Promise<void> {
  const path = pathOf(directory, root);
  if (pins.length > 0) {
    const content = { schemaVersion: 1, root, pins };
    // Somebody may have removed the directory with all its pins: both are made again.
    makeDirectory(directory);
    await writeWhole(layout, path, `${JSON.stringify(content, undefined, 1)}\n`);
    return;
  }
  await rm(path, { force: true }).catch((error: unknown) => {
    throw storeFailure(path, error);
  });
  await syncDirectory(directory);
}

function readPinFile(path: string, cache: PinCache): PinFile | undefined {
  const content = readBounded(path, MAX_BYTES);
  if (content === undefined) return undefined;
  // The content is compared, because a file system may give a new file the inode number, time and size of
  // the old one.
  const digest = sha256(content);
  const known = cache.get(path);
  if (known?.digest === digest) return known.file;
  const file = parse(path, content);
  cache.set(path, { digest, file });
  return file;
}

function parse(path: string, content: Buffer): PinFile {
  const hint =
    'restore it or move it away, then stage its root again; until then nothing is removed';
  try {
    const file = parseBy(PinFileSchema, JSON.parse(content.toString()));
    if (basename(path) !== `${file.root}.json`) {
      throw new Error(`it says that it belongs to root ${JSON.stringify(file.root)}`);
    }
    return file;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw damaged(path, `is not a file of pins as this berth writes them: ${reason}`, hint, error);
  }
}

function pathOf(directory: string, root: string): string {
  assertRootId(root);
  return join(directory, `${root}.json`);
}
