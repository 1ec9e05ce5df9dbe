import { type Activation, activationIn } from './activation.ts';
import { type Journal, journalIn } from './apply-journal.ts';
import { gateFileIn, type Held } from './gate-file.ts';
import type { Note } from './note.ts';
import type { RootRecord } from './record.ts';
import {
  type DamagedRecord,
  type Judged,
  type Records,
  readRecords,
  removeRecord,
  setAside,
  writeRecord,
} from './records.ts';

/**
 * The files of one state directory. A process may keep it open for weeks: each read looks at the
 * files anew, and what is remembered of them is no more than the records that are there.
 */
export class State {
  readonly directory: string;
  /** The root that was booted last. */
  readonly activation: Note<Activation>;
  /** The services that an apply under way has still to restart. */
  readonly journal: Note<Journal>;
  /** The root that the gate held back. */
  readonly gate: Note<Held>;
  #judged: Judged = new Map();

  constructor(directory: string) {
    this.directory = directory;
    this.activation = activationIn(directory);
    this.journal = journalIn(directory);
    this.gate = gateFileIn(directory);
  }

  /**
   * Every record; one that is damaged does not hide the others.
   *
   * @throws {BerthError} `newer-record`; `state-directory`.
   */
  records(): Records {
    const { judged, ...records } = readRecords(this.directory, this.#judged);
    this.#judged = judged;
    return records;
  }

  /** The record of a root, or of pins made by hand. */
  record(id: string): RootRecord | undefined {
    return this.records().byId.get(id);
  }

  /** Writes a record, whole or not at all. @throws {BerthError} `state-directory` */
  write(record: RootRecord): void {
    writeRecord(this.directory, record);
  }

  /** Writes what a transition made of a record, or removes the record if nothing is left of it. */
  settle(id: string, record: RootRecord | undefined): void {
    if (record === undefined) removeRecord(this.directory, id);
    else this.write(record);
  }

  /** Puts a damaged record aside, so that the one made again from pins can take its place. */
  setAside(damaged: DamagedRecord): void {
    setAside(damaged);
  }
}
