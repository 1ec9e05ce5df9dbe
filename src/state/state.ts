import type { EngineId } from '../common/engine-id.ts';
import { type Activation, activationIn } from './activation.ts';
import { type Journal, journalIn } from './apply-journal.ts';
import { gateFileIn, type Held } from './gate-file.ts';
import type { Note } from './note.ts';
import { type RootRecord, withOwnPodman } from './record.ts';
import {
  type DamagedRecord,
  type Judged,
  type Records,
  readRecords,
  removeRecord,
  setAside,
  writeRecord,
} from './records.ts';
import { markUsers } from './users-mark.ts';

/**
 * The files of one state directory. A process may keep it open for weeks: each read looks at the files
 * again, and only the records that exist are remembered.
 */
export class State {
  readonly directory: string;
  /** The root that was booted last. */
  readonly activation: Note<Activation>;
  /** The services that an apply under way has still to restart. */
  readonly journal: Note<Journal>;
  /** The root that the gate held back. */
  readonly gate: Note<Held>;
  readonly #own: EngineId | undefined;
  #judged: Judged = new Map();

  /**
   * @param own the podman of the user whose state it is; absent for that of the system. Records of earlier
   *   versions call that `podman`.
   */
  constructor(directory: string, own?: EngineId) {
    this.directory = directory;
    this.#own = own;
    this.activation = activationIn(directory);
    this.journal = journalIn(directory);
    this.gate = gateFileIn(directory);
  }

  /**
   * Every record; a damaged record does not hide the others.
   *
   * @throws {BerthError} `newer-record`; `state-directory`.
   */
  records(): Records {
    const { judged, byId, damaged } = readRecords(this.directory, this.#judged);
    this.#judged = judged;
    const own = this.#own;
    if (own === undefined) return { byId, damaged };
    const named = [...byId].map(([id, record]) => [id, withOwnPodman(record, own)] as const);
    return { byId: new Map(named), damaged };
  }

  /** The record of a root, or of pins made by hand. */
  record(id: string): RootRecord | undefined {
    return this.records().byId.get(id);
  }

  /** Writes a record, whole or not at all. @throws {BerthError} `state-directory` */
  write(record: RootRecord): void {
    writeRecord(this.directory, record);
    markUsers(this.directory, record, () => this.records().byId.values());
  }

  /** Writes the record that a transition returned, or removes the record if nothing is left of it. */
  settle(id: string, record: RootRecord | undefined): void {
    if (record !== undefined) return this.write(record);
    removeRecord(this.directory, id);
    markUsers(this.directory, undefined, () => this.records().byId.values());
  }

  /** Moves a damaged record aside, so that the one rebuilt from pins can take its place. */
  setAside(damaged: DamagedRecord): void {
    setAside(damaged);
  }
}
