import { join } from 'node:path';
import * as v from 'valibot';
import { API_VERSION } from '../common/version.ts';
import { type Note, noteAt } from './note.ts';
import { ImageId, ImageName, RootId } from './record.ts';

/** The file `apply.json`, which exists while services are being restarted. */
const ApplyFile = v.object({
  apiVersion: v.literal(API_VERSION),
  kind: v.literal('Apply'),
  root: RootId,
  /** The id of the image to which each name returns if its service does not come up. */
  previous: v.record(ImageName, ImageId),
  /** The services that still have to be restarted, or were not yet seen to come up. */
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

/** @returns what a killed apply of the root left undone; undefined if nothing. */
export function leftUndone(journal: Note<Journal>, root: string): Journal | undefined {
  const found = journal.read();
  return found?.root === root && found.due.length > 0 ? found : undefined;
}
