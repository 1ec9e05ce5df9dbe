import { join } from 'node:path';
import type { Engine, EngineImage, Pin } from '../engine/engine.ts';
import { withLock } from '../engine/file-lock.ts';
import type { Report } from './events.ts';
import type { RootRecord } from './record.ts';
import { readRecords, setAside, writeRecord } from './records.ts';
import { recordsFromPins } from './recover.ts';

/** What every command of the lifecycle works with. */
export interface Context {
  readonly engine: Engine;
  readonly stateDirectory: string;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** What is wanted and what is there, at one moment. */
export interface Situation {
  /** Including those made again from pins. */
  readonly records: ReadonlyMap<string, RootRecord>;
  readonly images: ReadonlyMap<string, EngineImage>;
  readonly pins: readonly Pin[];
}

/**
 * Reads records and engine. Records that are lost or damaged come back from the labels of the
 * pins, with a warning; nothing is written.
 */
export async function readSituation(context: Context): Promise<Situation> {
  const { byId, damaged } = readRecords(context.stateDirectory);
  const [images, pins] = await Promise.all([context.engine.images(), context.engine.pins()]);
  const recovered = recordsFromPins(pins, byId, context.engine.name);
  for (const { path, message } of damaged) {
    context.report({ event: 'warning', message: `the record ${path} is damaged: ${message}` });
  }
  for (const record of recovered) {
    context.report({
      event: 'warning',
      message: `the record of ${record.id} is lost; what its pins tell stands in for it`,
    });
  }
  return {
    records: new Map([...byId, ...recovered.map((record) => [record.id, record] as const)]),
    images: new Map(images.map((image) => [image.id, image])),
    pins,
  };
}

/** As `readSituation`, and writes the records that were made again; the damaged are put aside. */
export async function recoverSituation(context: Context): Promise<Situation> {
  const before = readRecords(context.stateDirectory);
  const situation = await readSituation(context);
  for (const damaged of before.damaged) setAside(damaged);
  for (const record of situation.records.values()) {
    if (!before.byId.has(record.id)) writeRecord(context.stateDirectory, record);
  }
  return situation;
}

/**
 * Runs a command that changes something. Those that only add go on side by side (`shared`);
 * one that lets go of something has the state to itself (`exclusive`), or it could take what
 * another has found present and not pinned yet.
 */
export async function changing<T>(
  context: Context,
  mode: 'shared' | 'exclusive',
  work: () => Promise<T>,
): Promise<T> {
  return withLock(join(context.stateDirectory, 'lock'), mode, work, {
    signal: context.signal,
    onWait: () =>
      context.report({ event: 'warning', message: 'another berth is at work; waiting for it' }),
  });
}
