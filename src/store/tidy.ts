import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { nameOf, readIndex, withoutFetched, writeIndex } from './index-file.ts';
import { layoutAt } from './layout.ts';
import { layoutExists } from './make-layout.ts';

/**
 * Turns a store in which nobody works any more into a plain OCI layout: the engine's own files are removed,
 * and the names are sorted, so that the same images always give the same bytes.
 */
export async function tidyLayout(directory: string): Promise<void> {
  const layout = layoutAt(directory);
  if (!layoutExists(layout)) return;
  const index = readIndex(layout);
  const key = (of: (typeof index.manifests)[number]) => `${nameOf(of)} ${of.digest}`;
  const manifests = index.manifests.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
  await writeIndex(layout, { ...index, manifests: manifests.map(withoutFetched) });
  for (const own of [layout.pins, layout.waiting, layout.temporary, dirname(layout.inUse)]) {
    rmSync(own, { recursive: true, force: true });
  }
}
