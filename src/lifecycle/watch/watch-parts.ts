import type { Registry } from '../../registry/registry.ts';
import type { Context } from '../context.ts';

/** What happens to what somebody removes: it is put back, or stays removed until the next stage. */
export type OnForce = 'heal' | 'respect';

/** The parts of a watch that its engines share. */
export interface Watch {
  readonly context: Context;
  readonly registry: Registry;
  readonly onForce: OnForce;
  /** Runs each piece of work as a run of its own, whose caches end with it. */
  readonly asRun: <T>(work: () => Promise<T>) => Promise<T>;
  /** Called for a bug in berth, which ends the watch. */
  readonly fail: (error: unknown) => void;
}
