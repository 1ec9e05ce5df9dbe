import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory } from '../common/files/make-directory.ts';
import { withLock } from '../common/process-lock.ts';
import { SIGNATURES } from '../oci/signatures.ts';
import { damaged, storeFailure } from './failure.ts';
import { readBounded, writeWhole } from './file.ts';
import { entriesOf, type Layout, quote } from './layout.ts';

/**
 * Whether the store exists. A store that is only half made does not count.
 *
 * @throws {EngineError} `store-damaged` if something else is in its place.
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
 * Makes the store unless it exists. `oci-layout`, which marks a finished store, is written last.
 *
 * @throws {EngineError} as `layoutExists`, or if the directory can't be written.
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
  // Another process may be making the store just now, so even `oci-layout`, which did not exist, may exist.
  const directories = ['locks', 'tmp', 'blobs', 'pins', 'waiting', SIGNATURES];
  const own = new Set([...directories, 'index.json', 'oci-layout']);
  const foreign = entriesOf(directory).find((name) => !own.has(name));
  if (foreign === undefined) return false;
  throw damaged(
    directory,
    `is not an OCI image layout: it has ${quote(foreign)} and no oci-layout`,
    'name an empty or absent directory with --state-dir',
  );
}
