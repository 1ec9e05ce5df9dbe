import { join } from 'node:path';
import * as v from 'valibot';
import { API_VERSION } from '../common/version.ts';
import { type Note, noteAt } from './note.ts';
import { ImageId, ImageName, RootId } from './record.ts';

/** The file `apply.json`, which is there as long as services are being restarted. */
const ApplyFile = v.object({
  apiVersion: v.literal(API_VERSION),
  kind: v.literal('Apply'),
  root: RootId,
  /** The id of the image that each name goes back to if its service does not come up. */
  previous: v.record(ImageName, ImageId),
  /** The services that are still to be restarted, or were not seen to come up yet. */
  due: v.array(v.string()),
});

export type Journal = Omit<v.InferOutput<typeof ApplyFile>, 'apiVersion' | 'kind'>;

export function journalIn(stateDirectory: string): Note<Journal> {
  return noteAt(
    join(stateDirectory, 'apply.json'),
    ApplyFile,
    (document): Journal => document,
    (journal) => ({ apiVersion: API_VERSION, kind: 'Apply', ...journal }),
  );
}

/** @returns what an apply of the root left undone when it was killed; undefined if nothing. */
export function leftUndone(journal: Note<Journal>, root: string): Journal | undefined {
  const found = journal.read();
  return found?.root === root && found.due.length > 0 ? found : undefined;
}
