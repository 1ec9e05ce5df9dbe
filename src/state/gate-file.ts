import { join } from 'node:path';
import * as v from 'valibot';
import { API_VERSION } from '../common/version.ts';
import { type Note, noteAt } from './note.ts';
import { RootId } from './record.ts';

/**
 * The file `gate.json`: the root that the gate held back last, and the reasons. It exists until the gate
 * lets a root pass or another root is booted.
 */
const GateFile = v.object({
  apiVersion: v.literal(API_VERSION),
  kind: v.literal('Gate'),
  /** The id of the root. */
  root: RootId,
  /** When this host was first held back, whatever the root, and when last, in ISO 8601. */
  since: v.string(),
  time: v.string(),
  /** The messages of the findings for which the root was held. */
  reasons: v.array(v.string()),
});

export type Held = Omit<v.InferOutput<typeof GateFile>, 'apiVersion' | 'kind'>;

/**
 * Reads `gate.json`. A file whose `since` is not a time is ignored, because the days since then could not
 * be counted.
 */
export function gateFileIn(stateDirectory: string): Note<Held> {
  return noteAt(
    join(stateDirectory, 'gate.json'),
    GateFile,
    ({ root, since, time, reasons }) =>
      Number.isNaN(Date.parse(since)) ? undefined : { root, since, time, reasons },
    (held) => ({ apiVersion: API_VERSION, kind: 'Gate', ...held }),
  );
}
