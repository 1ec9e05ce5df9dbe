import { dirname, join } from 'node:path';
import { makeDirectory } from '../common/files/make-directory.ts';
import {
  MAX_SIGNATURES_BYTES,
  parseSignatures,
  SIGNATURES,
  signaturesText,
} from '../oci/signatures.ts';
import { damaged, storeFailure } from './failure.ts';
import { readBounded, remove, writeWhole } from './file.ts';
import { entriesOf, type Layout, layoutAt } from './layout.ts';

/**
 * The signatures of a manifest that are stored beside it, as files.
 *
 * @throws {EngineError} `store-damaged`
 */
export function storedSignatures(layout: Layout, manifest: string): readonly Buffer[] {
  const path = pathOf(layout, manifest);
  const content = readBounded(path, MAX_SIGNATURES_BYTES);
  if (content === undefined) return [];
  const signatures = parseSignatures(content);
  if (signatures !== undefined) return signatures;
  const hint = 'move the file away; the signatures are looked up again';
  throw damaged(path, 'is not a file of signatures', hint);
}

/** Stores signatures of a manifest beside earlier ones. */
export async function keepSignatures(
  layout: Layout,
  manifest: string,
  signatures: readonly Buffer[],
): Promise<void> {
  if (signatures.length === 0) return;
  const all = [...signatures, ...storedSignatures(layout, manifest)];
  // Each once, in this order; anybody can have made a bundle with very many.
  const byBytes = new Map(all.map((signature) => [signature.toString('latin1'), signature]));
  const path = pathOf(layout, manifest);
  try {
    makeDirectory(dirname(path));
  } catch (error) {
    throw storeFailure(path, error);
  }
  await writeWhole(layout, path, signaturesText([...byBytes.values()]));
}

/** As `keepSignatures`, for a layout in which nobody else works. */
export async function addSignatures(
  directory: string,
  manifest: string,
  signatures: readonly Buffer[],
): Promise<void> {
  await keepSignatures(layoutAt(directory), manifest, signatures);
}

/** Removes the signatures of manifests that are not stored any more. */
export async function sweepSignatures(layout: Layout, kept: ReadonlySet<string>): Promise<void> {
  const directory = directoryOf(layout);
  for (const entry of entriesOf(directory)) {
    if (!kept.has(`sha256:${entry.replace(/\.json$/, '')}`)) await remove(join(directory, entry));
  }
}

function directoryOf({ directory }: Layout): string {
  return join(directory, SIGNATURES);
}

function pathOf(layout: Layout, manifest: string): string {
  return join(directoryOf(layout), `${manifest.slice('sha256:'.length)}.json`);
}
