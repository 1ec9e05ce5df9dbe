import { join } from 'node:path';
import type { WantedOptions } from '../binding/wanted.ts';
import { withLock } from '../common/process-lock.ts';
import { assertRootId } from '../common/roots.ts';
import type { Engine } from '../engine/engine.ts';
import type { Engines } from '../engine/engines.ts';
import type { State } from '../state/state.ts';
import type { LoadedImages } from '../store/loaded.ts';
import { aboutEngine, type Report } from './events.ts';
import type { Reserve } from './reserve.ts';

/** The engines, the state and the caller that every command of the lifecycle works with. */
export interface Context {
  readonly engines: Engines;
  readonly state: State;
  readonly report: Report;
  readonly signal: AbortSignal;
  /** The user for whom this run stages; absent for the system. */
  readonly self?: WantedOptions['self'];
  /** How long to wait for the locks of other berths, in milliseconds, if not as long as usual. */
  readonly lockPatience?: number | undefined;
  /** The space that staging leaves free on each file system; `reserved` has the default. */
  readonly reserve?: Reserve | undefined;
  /** The images that `berth load` brought, if the state directory has a store. */
  readonly loaded?: () => Promise<LoadedImages | undefined>;
}

/** The context for work on one engine. */
export interface EngineContext extends Context {
  readonly engine: Engine;
}

export function onEngine(context: Context, engine: Engine): EngineContext {
  return { ...context, engine, report: aboutEngine(context.report, engine.id) };
}

/** The context for images that no file of a root names. */
export async function onUsual(context: Context): Promise<EngineContext> {
  return onEngine(context, await context.engines.open(context.engines.usual));
}

/** The context for containers that services run, whichever engine berth.toml names for lists of images. */
export async function onOwn(context: Context): Promise<EngineContext> {
  const { all, only, own } = context.engines;
  return onEngine(context, await context.engines.open(all ?? only ?? own));
}

/** How the run's engines bear on reading a root. */
export function readingFor({
  engines,
  self,
}: Context): Pick<WantedOptions, 'engines' | 'only' | 'self'> {
  const { all, only, lists } = engines;
  return { engines: { all, lists }, only, self };
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
