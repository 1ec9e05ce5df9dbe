import type { Engine } from '../../../src/engine/engine.ts';
import type { PinRequest } from '../../../src/engine/pin.ts';
import type { ResolvedImage } from '../../../src/image/resolved.ts';
import type { Machine } from '../../support/berth.ts';
import type { Command } from './command.ts';

/** One engine with a store of its own, and all that the contract suite has to know beside `Engine`. */
export interface TestedEngine {
  /** Its table in docs/engines.md, and the column in it: a release of Debian. */
  readonly table: string;
  readonly column: string;
  /** As the engine says: `podman 5.8.6`. */
  readonly version: string;
  /** A registry, and berth as a program whose engine is this one. */
  readonly machine: Machine;
  /** `--engine NAME` for berth. */
  readonly option: string;
  /** The engine as berth opens it; the suite closes it. */
  readonly open: () => Promise<Engine>;
  /** Takes one of several names from an image, as another program does. */
  readonly untag: (name: string, id: string) => Promise<void>;
  /** Ends the engine in good order, and starts it. */
  readonly restart: () => Promise<void>;
  /** As the boot of the machine does it: nothing of /run is left. */
  readonly reboot: () => Promise<void>;
  /** Takes everything out of it, pins as well. */
  readonly clear: () => Promise<void>;
  /** Begins a call, ends with SIGKILL what carries it out once `isUnderWay` is told, and starts that again. */
  readonly killDuring: (call: Call, isUnderWay: Promise<unknown>) => Promise<void>;
  /** The directory in which a pin of another root makes an entry. */
  readonly pinDirectory: string;
  /** Every way in which others can remove or move what berth put there. */
  readonly commands: readonly Command[];
}

/** A call of `Engine` as plain data, so that another process can make it. */
export type Call =
  | { readonly fetch: ResolvedImage }
  | { readonly root: string; readonly pin: readonly PinRequest[] };
