import { join } from 'node:path';
import * as v from 'valibot';
import { API_VERSION } from '../common/version.ts';
import { type Note, noteAt } from './note.ts';
import { RootId } from './record.ts';

/**
 * The file `gate.json`: the root that the gate held back last, and why. It is there until a root is
 * let through or another is booted.
 */
const GateFile = v.object({
  apiVersion: v.literal(API_VERSION),
  kind: v.literal('Gate'),
  /** The id of the root. */
  root: RootId,
  /** Since when this host was held back, from whatever root, and when it was last: ISO 8601. */
  since: v.string(),
  time: v.string(),
  /** The messages of the findings for which the root was held. */
  reasons: v.array(v.string()),
});

export type Held = Omit<v.InferOutput<typeof GateFile>, 'apiVersion' | 'kind'>;

/** A file whose `since` is no time tells nothing: the days since then could not be counted. */
export function gateFileIn(stateDirectory: string): Note<Held> {
  return noteAt(
    join(stateDirectory, 'gate.json'),
    GateFile,
    ({ root, since, time, reasons }) =>
      Number.isNaN(Date.parse(since)) ? undefined : { root, since, time, reasons },
    (held) => ({ apiVersion: API_VERSION, kind: 'Gate', ...held }),
  );
}
