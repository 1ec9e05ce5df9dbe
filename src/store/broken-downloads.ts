import { statSync } from 'node:fs';
import { join } from 'node:path';
import { withLockIfFree } from '../common/process-lock.ts';
import { remove } from './file.ts';
import { entriesOf, type Layout, layoutAt } from './layout.ts';

/** The size in bytes of the half-written files in a store's directory, which need not exist. */
export function halfWritten(directory: string): number {
  const { temporary } = layoutAt(directory);
  const sizes = entriesOf(temporary).map((entry) =>
    statSync(join(temporary, entry), { throwIfNoEntry: false }),
  );
  return sizes.reduce((sum, stats) => sum + (stats?.size ?? 0), 0);
}

/**
 * Removes the half-written files of a store, unless another process is at work in it.
 *
 * @returns how many bytes were removed.
 */
export async function removeHalfWritten(directory: string): Promise<number> {
  const layout = layoutAt(directory);
  let bytes = 0;
  if (halfWritten(directory) === 0) return bytes;
  await withLockIfFree(layout.inUse, async () => {
    bytes = halfWritten(directory);
    await clearTemporary(layout);
  });
  return bytes;
}

/** Removes the half-written files of a store. The caller must hold `inUse` exclusively. */
export async function clearTemporary(layout: Layout): Promise<void> {
  for (const entry of entriesOf(layout.temporary)) await remove(join(layout.temporary, entry));
}
