import type { Engine } from '../../../src/engine/engine.ts';
import type { PinRequest } from '../../../src/engine/pin.ts';
import type { ResolvedImage } from '../../../src/image/resolved.ts';
import type { Machine } from '../../support/berth.ts';
import type { Command } from './command.ts';

/** One engine with a store of its own, and everything that the contract suite needs beside `Engine`. */
export interface TestedEngine {
  /** The engine's table in docs/survival.md, and its column there: a release of Debian. */
  readonly table: string;
  readonly column: string;
  /** The version as the engine reports it: `podman 5.8.6`. */
  readonly version: string;
  /** A registry, and berth as a program whose engine is this one. */
  readonly machine: Machine;
  /** `--engine NAME` for berth. */
  readonly option: string;
  /** A file of a root that makes the engine need an image; by default a unit of podman's. */
  readonly file?: (name: string) => Readonly<Record<string, string>>;
  /** The engine as berth opens it; the suite closes it. */
  readonly open: () => Promise<Engine>;
  /** Removes one of several names of an image, as another program does. */
  readonly untag: (name: string, id: string) => Promise<void>;
  /** Stops the engine properly, and starts it again. */
  readonly restart: () => Promise<void>;
  /** Restarts the engine as a boot of the machine does: /run is empty afterwards. */
  readonly reboot: () => Promise<void>;
  /** Removes everything from the engine, including pins. */
  readonly clear: () => Promise<void>;
  /**
   * Begins a call, kills what carries it out with SIGKILL once `isUnderWay` resolves, and starts that
   * again.
   */
  readonly killDuring: (call: Call, isUnderWay: Promise<unknown>) => Promise<void>;
  /** The directory in which a pin of another root makes an entry. */
  readonly pinDirectory: string;
  /** Every way in which others can remove or move what berth stored. */
  readonly commands: readonly Command[];
}

/** A call of `Engine` as plain data, so that another process can make it. */
export type Call =
  | { readonly fetch: ResolvedImage }
  | { readonly root: string; readonly pin: readonly PinRequest[] };
