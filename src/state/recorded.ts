import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isRootId } from '../common/roots.ts';
import type { RootRecord } from './record.ts';
import { readRecords } from './records.ts';

/** The ids of the roots on record, by the names of the files: no record is read. */
export function recordedIds(stateDirectory: string): readonly string[] {
  return recordFiles(stateDirectory).map((name) => name.slice(0, -SUFFIX.length));
}

/**
 * The records of a state directory, if they are few enough to read while somebody waits.
 *
 * @param most how many bytes all records may have.
 * @returns nothing if they have more.
 */
export function fewRecords(stateDirectory: string, most: number): readonly RootRecord[] {
  const sizes = recordFiles(stateDirectory).map(
    (name) => statSync(join(stateDirectory, ROOTS, name)).size,
  );
  if (sizes.reduce((sum, size) => sum + size, 0) > most) return [];
  return [...readRecords(stateDirectory).byId.values()];
}

const ROOTS = 'roots';
const SUFFIX = '.json';

function recordFiles(stateDirectory: string): readonly string[] {
  const names = readdirSync(join(stateDirectory, ROOTS)).sort();
  return names.filter((name) => name.endsWith(SUFFIX) && isRootId(name.slice(0, -SUFFIX.length)));
}
