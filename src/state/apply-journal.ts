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
  /**
   * The services that ran before and depend on those that are restarted. systemd stops them with a service
   * that does not come up. Absent in files of earlier versions.
   */
  dependants: v.optional(v.array(v.string()), []),
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
  if (found?.root !== root) return undefined;
  return found.due.length + found.dependants.length > 0 ? found : undefined;
}

/**
 * What of the journal still counts after another stage of the root has ended: no name goes back to an image
 * of the killed apply, but services that it left stopped are started again.
 */
export function afterAnotherStage({ root, due, dependants }: Journal): Journal {
  return { root, previous: {}, due: [], dependants: [...new Set([...due, ...dependants])] };
}
