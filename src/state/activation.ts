import { join } from 'node:path';
import * as v from 'valibot';
import { API_VERSION } from '../common/version.ts';
import { RootId, type RootRecord } from './record.ts';
import { readNote, writeStateFile } from './state-file.ts';

/** Which root was activated last: the file `activation.json`. */
const ActivationFile = v.object({
  apiVersion: v.literal(API_VERSION),
  kind: v.literal('Activation'),
  root: RootId,
  /** ISO 8601; absent for one that ran before it was first activated. */
  time: v.optional(v.string()),
});

export interface Activation {
  /** The id of the root that was booted last. */
  readonly root: string;
  /** Since when it is the one that is booted, ISO 8601, where that is known. */
  readonly time?: string | undefined;
}

/**
 * The last activation.
 *
 * @returns undefined if that is not known; a damaged file tells nothing either, and the next
 * activation writes it anew.
 */
export function lastActivation(stateDirectory: string): Activation | undefined {
  return readNote(pathIn(stateDirectory), ActivationFile);
}

/**
 * The id of the root that runs: the one that was activated last. Before a first activation, the one
 * that its updater called booted.
 */
export function runningRoot(
  stateDirectory: string,
  records: ReadonlyMap<string, RootRecord>,
): string | undefined {
  const last = lastActivation(stateDirectory);
  if (last !== undefined) return last.root;
  const booted = [...records.values()].filter(({ deployment }) => deployment?.role === 'booted');
  return booted.length === 1 ? booted[0]?.id : undefined;
}

/** Written last of all: an activation that was killed before is done again at the next boot. */
export function writeActivated(stateDirectory: string, { root, time }: Activation): void {
  const file = { apiVersion: API_VERSION, kind: 'Activation', root, time };
  writeStateFile(pathIn(stateDirectory), `${JSON.stringify(file, undefined, 2)}\n`);
}

function pathIn(stateDirectory: string): string {
  return join(stateDirectory, 'activation.json');
}
