import { hash } from 'node:crypto';
import { readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { checkBy, parseBy } from '../common/check-by.ts';
import { conceal, concealedIn } from '../common/concealed.ts';
import { BerthError, systemErrorCode } from '../common/errors.ts';
import { syncDirectory } from '../common/files/make-directory.ts';
import { assertRootId } from '../common/roots.ts';
import { API_VERSION } from '../common/version.ts';
import { StateError } from './error.ts';
import { fileOf, RecordFile, type RootRecord, recordIn } from './record.ts';
import { readStateFile, stateError, writeStateFile } from './state-file.ts';

/** The records of a state directory, by root id, and those that can't be read. */
export interface Records {
  readonly byId: ReadonlyMap<string, RootRecord>;
  readonly damaged: readonly DamagedRecord[];
}

export interface DamagedRecord {
  readonly path: string;
  readonly message: string;
}

/** Records by path as they were read; each is parsed again only when its bytes have changed. */
export type Judged = ReadonlyMap<string, JudgedRecord>;

interface JudgedRecord {
  readonly digest: string;
  readonly record: RootRecord;
}

/**
 * Reads every record; a damaged record does not hide the others.
 *
 * @param known what an earlier read of the directory returned as `judged`.
 * @throws {BerthError} `newer-record` for a record that a newer berth wrote; `state-directory`.
 */
export function readRecords(
  stateDirectory: string,
  known: Judged = new Map(),
): Records & { readonly judged: Judged } {
  const directory = join(stateDirectory, 'roots');
  const judged = new Map<string, JudgedRecord>();
  const byId = new Map<string, RootRecord>();
  const damaged: DamagedRecord[] = [];
  for (const name of entriesOf(directory)) {
    if (!name.endsWith('.json') || name.startsWith('.')) continue;
    const path = join(directory, name);
    try {
      const one = judgedRecord(name, path, known);
      if (one === undefined) continue;
      byId.set(one.record.id, one.record);
      judged.set(path, one);
    } catch (error) {
      if (error instanceof BerthError) throw error;
      if (systemErrorCode(error) === 'EACCES') throw stateError(path, error);
      damaged.push({ path, message: error instanceof Error ? error.message : String(error) });
    }
  }
  return { byId, damaged, judged };
}

function judgedRecord(name: string, path: string, known: Judged): JudgedRecord | undefined {
  const text = readStateFile(path);
  if (text === undefined) return undefined;
  const digest = hash('sha256', text);
  const before = known.get(path);
  const record = before?.digest === digest ? before.record : parse(path, text);
  if (`${record.id}.json` !== name) throw new Error(`it says that it belongs to ${record.id}`);
  // Repeated for a record that was read before, because a run forgets what an earlier run concealed.
  for (const { text: value, shown } of record.concealed ?? []) {
    if (conceal(value, shown)) continue;
    throw new Error('it has more private values than berth can keep out of messages');
  }
  return { digest, record };
}

/**
 * Writes a record whole or not at all: temporary file, fsync, rename, fsync of the directory.
 *
 * @throws {BerthError} `state-directory` if it can't be written.
 */
export function writeRecord(stateDirectory: string, record: RootRecord): void {
  assertRootId(record.id);
  const path = join(stateDirectory, 'roots', `${record.id}.json`);
  const { concealed: _before, ...rest } = fileOf(record);
  const concealed = concealedIn(JSON.stringify(rest));
  const written = concealed.length === 0 ? rest : { ...rest, concealed };
  writeStateFile(path, `${JSON.stringify(written, undefined, 2)}\n`);
}

/** Removes a record; a record that is already gone is no error. */
export function removeRecord(stateDirectory: string, id: string): void {
  assertRootId(id);
  const directory = join(stateDirectory, 'roots');
  const path = join(directory, `${id}.json`);
  try {
    rmSync(path, { force: true });
    syncDirectory(directory);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw stateError(path, error);
  }
}

/** Moves a damaged record aside, so that the one rebuilt from pins can take its place. */
export function setAside({ path }: DamagedRecord): void {
  try {
    renameSync(path, `${path}.damaged`);
  } catch (error) {
    // Another berth was faster.
    if (systemErrorCode(error) !== 'ENOENT') throw stateError(path, error);
  }
}

function parse(path: string, text: string): RootRecord {
  const document: unknown = JSON.parse(text);
  const version = checkBy(v.looseObject({ apiVersion: v.string() }), document);
  if (version.success && version.output.apiVersion !== API_VERSION) {
    throw new StateError(
      'newer-record',
      `${path}: expected a record of ${API_VERSION}, found one of ${version.output.apiVersion}`,
      { hint: 'a newer berth wrote it: use that, or another --state-dir' },
    );
  }
  return recordIn(parseBy(RecordFile, document));
}

function entriesOf(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw stateError(directory, error);
  }
}
