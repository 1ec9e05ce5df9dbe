import { join } from 'node:path';
import { withLock } from '../common/process-lock.ts';
import { assertRootId } from '../common/roots.ts';
import type { Engine } from '../engine/engine.ts';
import type { State } from '../state/state.ts';
import type { LoadedImages } from '../store/loaded.ts';
import type { Report } from './events.ts';
import type { Reserve } from './reserve.ts';

/** The engine, the state and the caller that every command of the lifecycle works with. */
export interface Context {
  readonly engine: Engine;
  readonly state: State;
  readonly report: Report;
  readonly signal: AbortSignal;
  /** How long to wait for the locks of other berths, in milliseconds, if not as long as usual. */
  readonly lockPatience?: number | undefined;
  /** The space that staging leaves free on each file system; `reserved` has the default. */
  readonly reserve?: Reserve | undefined;
  /** The images that `berth load` brought, if the state directory has a store. */
  readonly loaded?: () => Promise<LoadedImages | undefined>;
}

/**
 * Runs a command that changes something. Commands that only add run side by side (`shared`). A command
 * that removes or unpins has the state to itself (`exclusive`): else it could remove an image that
 * another command has found present and not pinned yet.
 */
export function changing<T>(
  context: Context,
  mode: 'shared' | 'exclusive',
  work: () => Promise<T>,
): Promise<T> {
  return locked(context, 'lock', mode, work);
}

/** Runs work on one root, which one berth does at a time. Called within `changing`. */
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
