import { join } from 'node:path';
import * as v from 'valibot';
import type { EngineId } from '../common/engine-id.ts';
import { API_VERSION } from '../common/version.ts';
import { EngineIdText } from '../engine/engine-id-schema.ts';
import { type Note, noteAt } from './note.ts';
import { RootId, type RootRecord } from './record.ts';

/** The file `activation.json`: which root was activated last. */
const ActivationFile = v.object({
  apiVersion: v.literal(API_VERSION),
  kind: v.literal('Activation'),
  root: RootId,
  /** ISO 8601; absent for a root that ran before it was first activated. */
  time: v.optional(v.string()),
  /** The engines of the root on which names still mean what an earlier root meant. */
  pending: v.optional(v.array(EngineIdText)),
});

export interface Activation {
  /** The id of the root that was booted last. */
  readonly root: string;
  /** When that root was booted, in ISO 8601, if known. */
  readonly time?: string | undefined;
  /** The engines of the root that were not activated yet: they could not be reached, or were left out. */
  readonly pending?: readonly EngineId[] | undefined;
}

/**
 * The note that an activation writes last, so that an activation that was killed is repeated at the next
 * boot.
 */
export function activationIn(stateDirectory: string): Note<Activation> {
  return noteAt(
    join(stateDirectory, 'activation.json'),
    ActivationFile,
    (document): Activation => document,
    ({ root, time, pending }) => ({
      apiVersion: API_VERSION,
      kind: 'Activation',
      root,
      time,
      pending,
    }),
  );
}

/**
 * The id of the running root: the root that was activated last or, before the first activation, the root
 * that its updater calls booted.
 */
export function runningRoot(
  activation: Note<Activation>,
  records: ReadonlyMap<string, RootRecord>,
): string | undefined {
  const last = activation.read();
  if (last !== undefined) return last.root;
  const booted = [...records.values()].filter(({ deployment }) => deployment?.role === 'booted');
  return booted.length === 1 ? booted[0]?.id : undefined;
}
