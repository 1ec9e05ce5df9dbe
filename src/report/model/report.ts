import type { EngineId } from '../../common/engine-id.ts';
import type { Activation } from '../../discovery/reference.ts';
import type { EngineInfo } from '../../engine/engine.ts';
import type { RootStatus } from '../../lifecycle/status.ts';
import type { Held } from '../../state/gate-file.ts';
import type { State } from './states.ts';

/** All that a page shows. Plain data, already cut to a bounded size. */
export interface Report {
  /** The name of this machine. */
  readonly host: string;
  readonly time: Date;
  readonly version: string;
  readonly engines: readonly EngineInfo[];
  /** The root that the gate held back, until another is booted. */
  readonly held?: Held | undefined;
  /** What could not be asked, such as an updater. */
  readonly warnings: readonly Said[];
  readonly roots: readonly RootReport[];
  readonly matrix: Matrix;
  readonly sizes: Sizes;
  /** Roots that are known and not in `roots`, because there are too many. */
  readonly moreRoots: number;
}

/** What is wrong, and what to do about it. */
export interface Said {
  readonly message: string;
  readonly hint: string;
}

export interface RootReport {
  readonly id: string;
  readonly location: string;
  readonly role: RootStatus['role'];
  readonly state: RootStatus['state'];
  /** When the last stage ended, ISO 8601. */
  readonly staged: string | undefined;
  /** The reasons why the root is not ready. */
  readonly lacks: Some<Lack>;
  /** The images that the root names or needs, those with trouble first. */
  readonly images: Some<ImageReport>;
  /** How many images are in each state, of all images of the root. */
  readonly counts: ReadonlyMap<State, number>;
  /** Problems of the tree that do not keep the root from being ready. */
  readonly notes: Some<Note>;
  /** Why the tree was not read. Then only the record tells which units name images. */
  readonly unread: Said | undefined;
}

/** The first elements of a list, and how many more it has. */
export interface Some<T> {
  readonly shown: readonly T[];
  readonly more: number;
}

export interface Lack extends Said {
  readonly code: string;
}

export interface Note extends Said {
  readonly code: string;
  /** `path:line` in the root. */
  readonly place: string;
}

export interface ImageReport {
  readonly name: string;
  /** Absent if no file of the root tells which engine runs the image. */
  readonly engine: EngineId | undefined;
  readonly state: State;
  readonly isDrifted: boolean;
  readonly digest: string | undefined;
  readonly id: string | undefined;
  /** In bytes, on disk; undefined if the image is not there, or its size is not known. */
  readonly size: number | undefined;
  readonly lacks: readonly Said[];
  readonly ways: Some<Way>;
}

/** A unit that names an image, and how the unit comes to start. */
export interface Way {
  readonly unit: string;
  /** `path:line` in the root. */
  readonly place: string;
  readonly activation: Activation;
  /** The units from `default.target` to the unit, which is the last. */
  readonly chain: readonly string[];
  readonly conditions: readonly string[];
  /** Why the image is bound, or why not; absent if the tree was not read. */
  readonly rule: string | undefined;
}

/** Roots in columns, images in rows. */
export interface Matrix {
  /** The first of `Report.roots`. */
  readonly columns: number;
  readonly rows: Some<MatrixRow>;
}

export interface MatrixRow {
  readonly name: string;
  readonly engine: EngineId | undefined;
  /** A cell for each column; undefined where the root does not name the image. */
  readonly cells: readonly (MatrixCell | undefined)[];
  /** Whether roots mean different images by the name. */
  readonly differs: boolean;
}

export interface MatrixCell {
  readonly state: State;
  readonly digest: string | undefined;
}

/** Bytes on disk. */
export interface Sizes {
  /** The sizes of each of `Report.roots`, in the same order. */
  readonly roots: readonly RootSize[];
  /** All images of all roots, each layer counted once. */
  readonly total: number;
  /** The sum of what each root would take alone. */
  readonly apart: number;
  /** Engines that do not tell which layers images share: each of their images counts as one piece. */
  readonly byImage: readonly EngineId[];
}

export interface RootSize {
  readonly total: number;
  /** What no other root has. */
  readonly own: number;
}
