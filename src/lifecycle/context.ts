import { join } from 'node:path';
import { withLock } from '../common/process-lock.ts';
import { assertRootId } from '../common/roots.ts';
import type { Engine } from '../engine/engine.ts';
import type { State } from '../state/state.ts';
import type { LoadedImages } from '../store/loaded.ts';
import type { Report } from './events.ts';
import type { Reserve } from './reserve.ts';

/** What every command of the lifecycle works with. */
export interface Context {
  readonly engine: Engine;
  readonly state: State;
  readonly report: Report;
  readonly signal: AbortSignal;
  /** How long other berths are waited for, in milliseconds, where that is less than usual. */
  readonly lockPatience?: number | undefined;
  /** What staging leaves free of each file system; see `reserved` for what if it is not said. */
  readonly reserve?: Reserve | undefined;
  /** What `berth load` brought, where the state directory has a store. */
  readonly loaded?: () => Promise<LoadedImages | undefined>;
}

/**
 * Runs a command that changes something. Those that only add go on side by side (`shared`);
 * one that lets go of something has the state to itself (`exclusive`), or it could take what
 * another has found present and not pinned yet.
 */
export function changing<T>(
  context: Context,
  mode: 'shared' | 'exclusive',
  work: () => Promise<T>,
): Promise<T> {
  return locked(context, 'lock', mode, work);
}

/** What is done to one root is done by one berth at a time; within `changing`. */
export function changingRoot<T>(context: Context, id: string, work: () => Promise<T>): Promise<T> {
  assertRootId(id);
  return locked(context, join('locks', id), 'exclusive', work);
}

function locked<T>(
  { state, signal, report, lockPatience: patience }: Context,
  name: string,
  mode: 'shared' | 'exclusive',
  work: () => Promise<T>,
): Promise<T> {
  const path = join(state.directory, name);
  const onWait = (holders: string) => {
    report({
      event: 'warning',
      code: 'waiting-for-lock',
      message: `waiting for ${holders}, which holds ${path}`,
    });
  };
  return withLock(path, mode, work, { signal, onWait, patience });
}
