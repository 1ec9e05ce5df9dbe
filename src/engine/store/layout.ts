import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode } from '../../errors.ts';
import { isDigest } from '../../image/digest.ts';
import { makeDirectory } from '../../make-directory.ts';
import { EngineError } from '../engine.ts';
import { withLock } from '../file-lock.ts';
import { damaged, storeFailure } from './failure.ts';
import { readBounded, writeWhole } from './file.ts';

/** The places in a store: an OCI image layout (image-spec, image-layout.md), and what is berth's. */
export interface Layout {
  readonly directory: string;
  readonly index: string;
  readonly blobs: string;
  /** A file a root. */
  readonly pins: string;
  /** A file a root: what waits here until another engine has unpacked it. */
  readonly waiting: string;
  /** What is being written; what lies here while nobody holds `inUse` is left over. */
  readonly temporary: string;
  /** Shared by all that add to the store, exclusive for what sweeps it. */
  readonly inUse: string;
  /** Shared by all that stage from what was loaded, exclusive for what lets go of that. */
  readonly loaded: string;
  /** Held while index.json or a file of pins is read, changed and written. */
  readonly writing: string;
}

export function layoutAt(directory: string): Layout {
  return {
    directory,
    index: join(directory, 'index.json'),
    blobs: join(directory, 'blobs', 'sha256'),
    pins: join(directory, 'pins'),
    waiting: join(directory, 'waiting'),
    temporary: join(directory, 'tmp'),
    inUse: join(directory, 'locks', 'in-use'),
    loaded: join(directory, 'locks', 'loaded'),
    writing: join(directory, 'locks', 'writing'),
  };
}

/** @throws {EngineError} `engine-reply` for a digest that is not sha256, and so can't be a path. */
export function blobPath(layout: Layout, digest: string): string {
  if (!isDigest(digest)) {
    throw new EngineError('engine-reply', `expected a sha256 digest, found ${quote(digest)}`, {
      hint: 'the store holds images with sha256 digests only',
    });
  }
  return join(layout.blobs, digest.slice('sha256:'.length));
}

/**
 * Whether the store is there. One whose making was cut short is not.
 *
 * @throws {EngineError} `store-damaged` if something else stands in its place.
 */
export function layoutExists(layout: Layout): boolean {
  const marker = join(layout.directory, 'oci-layout');
  try {
    const content = readBounded(marker, 4096);
    if (content === undefined) return refuseForeign(layout);
    const parsed: unknown = JSON.parse(content.toString());
    if (parsed instanceof Object && 'imageLayoutVersion' in parsed) {
      if (parsed.imageLayoutVersion === '1.0.0') return true;
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw storeFailure(marker, error);
  }
  throw damaged(
    marker,
    'does not say imageLayoutVersion 1.0.0',
    'name another place with --state-dir, or restore the file',
  );
}

/**
 * Makes the store where it is not there yet. `oci-layout`, which says that it is one, comes last.
 *
 * @throws {EngineError} as `layoutExists`, or if the place can't be written.
 */
export async function makeLayout(layout: Layout): Promise<void> {
  if (layoutExists(layout)) return;
  try {
    makeDirectory(layout.directory);
  } catch (error) {
    throw storeFailure(layout.directory, error);
  }
  await withLock(layout.writing, 'exclusive', async () => {
    if (layoutExists(layout)) return;
    for (const directory of [layout.blobs, layout.pins, layout.temporary]) {
      try {
        makeDirectory(directory);
      } catch (error) {
        throw storeFailure(directory, error);
      }
    }
    if (!existsSync(layout.index)) {
      await writeWhole(layout, layout.index, JSON.stringify({ schemaVersion: 2, manifests: [] }));
    }
    const marker = join(layout.directory, 'oci-layout');
    await writeWhole(layout, marker, JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  });
}

function refuseForeign({ directory }: Layout): false {
  // Another process may be making it just now: so `oci-layout`, which was not there, may be.
  const own = new Set(['locks', 'tmp', 'blobs', 'pins', 'waiting', 'index.json', 'oci-layout']);
  const foreign = entriesOf(directory).find((name) => !own.has(name));
  if (foreign === undefined) return false;
  throw damaged(
    directory,
    `is not an OCI image layout: it has ${quote(foreign)} and no oci-layout`,
    'name an empty or absent directory with --state-dir',
  );
}

/** The names in a directory; none if it is not there. */
export function entriesOf(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw storeFailure(directory, error);
  }
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 200));
}
