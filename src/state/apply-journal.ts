import { rmSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { API_VERSION } from '../common/version.ts';
import { ImageId, ImageName, RootId } from './record.ts';
import { readNote, writeStateFile } from './state-file.ts';

/** What is under way: the file `apply.json`, as long as services are being restarted. */
const ApplyFile = v.object({
  apiVersion: v.literal(API_VERSION),
  kind: v.literal('Apply'),
  root: RootId,
  /** The image that each name goes back to, by its id. */
  previous: v.record(ImageName, ImageId),
  /** The services that are still to be restarted, or were not seen to come up yet. */
  due: v.array(v.string()),
});

export type Journal = Omit<v.InferOutput<typeof ApplyFile>, 'apiVersion' | 'kind'>;

/**
 * What an apply of the root that was killed had not done.
 *
 * @returns undefined if there is nothing to go on with; nor can one with what can't be understood.
 * @throws {BerthError} `state-directory` if it can't be read.
 */
export function readJournal(stateDirectory: string, root: string): Journal | undefined {
  const journal = readNote(pathIn(stateDirectory), ApplyFile);
  return journal?.root === root && journal.due.length > 0 ? journal : undefined;
}

/** @throws {BerthError} `state-directory` */
export function writeJournal(stateDirectory: string, journal: Journal): void {
  const file = { apiVersion: API_VERSION, kind: 'Apply', ...journal };
  writeStateFile(pathIn(stateDirectory), `${JSON.stringify(file, undefined, 2)}\n`);
}

export function forgetJournal(stateDirectory: string): void {
  rmSync(pathIn(stateDirectory), { force: true });
}

function pathIn(stateDirectory: string): string {
  return join(stateDirectory, 'apply.json');
}
