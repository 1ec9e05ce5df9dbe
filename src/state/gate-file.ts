import { rmSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { API_VERSION } from '../common/version.ts';
import { RootId } from './record.ts';
import { readNote, writeStateFile } from './state-file.ts';

/**
 * The root that was held back last, and why: the file `gate.json`, until a root is let through or
 * another is booted.
 */
const GateFile = v.object({
  apiVersion: v.literal(API_VERSION),
  kind: v.literal('Gate'),
  /** The id of the root. */
  root: RootId,
  /** Since when this host was held back, from whatever root, and when it was last: ISO 8601. */
  since: v.string(),
  time: v.string(),
  /** What was missing. */
  reasons: v.array(v.string()),
});

export type Held = Omit<v.InferOutput<typeof GateFile>, 'apiVersion' | 'kind'>;

/**
 * @returns undefined if nothing is held; what can't be understood holds nothing either.
 * @throws {BerthError} `state-directory` if it can't be read.
 */
export function readHeld(stateDirectory: string): Held | undefined {
  const note = readNote(pathIn(stateDirectory), GateFile);
  if (note === undefined || Number.isNaN(Date.parse(note.since))) return undefined;
  const { root, since, time, reasons } = note;
  return { root, since, time, reasons };
}

/** @throws {BerthError} `state-directory` */
export function writeHeld(stateDirectory: string, held: Held): void {
  const file = { apiVersion: API_VERSION, kind: 'Gate', ...held };
  writeStateFile(pathIn(stateDirectory), `${JSON.stringify(file, undefined, 2)}\n`);
}

export function forgetHeld(stateDirectory: string): void {
  rmSync(pathIn(stateDirectory), { force: true });
}

function pathIn(stateDirectory: string): string {
  return join(stateDirectory, 'gate.json');
}
