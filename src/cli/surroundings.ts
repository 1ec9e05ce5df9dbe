import { join } from 'node:path';
import type { EngineId } from '../common/engine-id.ts';
import { BerthError } from '../common/errors.ts';
import {
  type Config,
  configDirectories,
  defaultStateDirectory,
  isUser,
  readConfig,
} from '../host/config.ts';
import { openEngine } from '../host/engine.ts';
import { hostRegistry } from '../host/registry.ts';
import type { Target } from '../host/target.ts';
import type { Context } from '../lifecycle/context.ts';
import type { RetryTimes } from '../registry/circuit-breaker.ts';
import type { Registry } from '../registry/registry.ts';
import type { RetryPolicy } from '../registry/retry.ts';
import { readRetryTimes, writeRetryTimes } from '../state/retry-times.ts';
import { State } from '../state/state.ts';
import { keepFromOthers, refuseOthers } from '../state/state-directory.ts';
import type { LoadedImages } from '../store/loaded.ts';
import type { CommonOptions, RateOptions } from './options.ts';
import { openProgress } from './render/progress.ts';
import { endingSignal } from './signals.ts';

/** What a command that needs an engine works with; all of it is closed when the command ends. */
export interface Surroundings extends Context {
  readonly registry: Registry;
  /** Where roots keep compose files. */
  readonly compose: readonly string[];
}

/** What a command works with that asks registries alone. */
export type Online = Pick<Surroundings, 'registry' | 'report' | 'signal'>;

export interface SurroundingsOptions {
  /** Starts an engine process for the command, whatever listens. */
  readonly alone?: boolean;
  /** How long other berths are waited for, in milliseconds; else as long as makes sense at all. */
  readonly lockPatience?: number;
  /** Works on the state of an OS that is not running yet. */
  readonly target?: Target | undefined;
  /** Leaves registries alone as long as they asked earlier runs to, and remembers it for the next. */
  readonly obeysRetryTimes?: boolean;
}

/**
 * Opens the engine as configured, and runs a command with it.
 */
export async function inSurroundings<T>(
  options: CommonOptions & RateOptions & { readonly downloadOnly?: boolean },
  work: (surroundings: Surroundings) => Promise<T>,
  { alone = false, lockPatience, target, obeysRetryTimes = false }: SurroundingsOptions = {},
): Promise<T> {
  const user = isUser(options);
  const config = await hostConfig(options);
  const stateDirectory = privateStateDirectory(options, config, target);
  const retryTimes = obeysRetryTimes ? readRetryTimes(stateDirectory) : undefined;
  const run = async ({ registry, report, signal }: Online) => {
    const engine = await openEngine({
      name: options.engine ?? config.engine,
      user,
      alone,
      target,
      pinKey: join(stateDirectory, 'pins.key'),
      warn: (message) => report({ event: 'warning', code: 'strange-pin', message }),
      storeDirectory: join(stateDirectory, 'store'),
      registry,
    });
    const loaded = loadedAt(join(stateDirectory, 'store'));
    try {
      // What only waits in berth's own store is downloaded by berth, whatever the engine.
      const isOwn = engine.traits.downloads === 'berth' || options.downloadOnly === true;
      if (options.limitRate !== undefined && !isOwn) {
        throw pullsItself(engine.id);
      }
      const { compose, reserve } = config;
      const known = {
        loaded: loaded.images,
        ...(reserve === undefined ? {} : { reserve }),
        ...(lockPatience === undefined ? {} : { lockPatience }),
      };
      return await work({
        engine,
        state: new State(stateDirectory),
        report,
        signal,
        registry,
        compose,
        ...known,
      });
    } finally {
      await loaded.close();
      await engine.close();
      if (retryTimes !== undefined) writeRetryTimes(stateDirectory, retryTimes);
    }
  };
  return online(options, run, retryTimes);
}

/**
 * The same for who asks whether a root is ready, and gets 0 or 3: what can't be told is a plain
 * failure, whatever is in the way.
 */
export async function toldPlainly(
  options: CommonOptions,
  work: (surroundings: Surroundings) => Promise<void>,
  more: SurroundingsOptions = {},
): Promise<void> {
  try {
    await inSurroundings(options, work, more);
  } catch (error) {
    if (!(error instanceof BerthError) || error.kind === 'usage') throw error;
    throw new BerthError(error.code, error.message, { hint: error.hint, cause: error });
  }
}

/** What was loaded, looked at only by commands that look a name up. */
function loadedAt(directory: string) {
  let opened: Promise<LoadedImages | undefined> | undefined;
  const open = async () => (await import('../store/loaded.ts')).openLoaded(directory);
  return {
    images: () => (opened ??= open()),
    close: async () => {
      const loaded = await opened?.catch(() => undefined);
      await loaded?.close();
    },
  };
}

/** Runs a command that asks registries and needs no engine. */
export async function online<T>(
  options: Pick<CommonOptions, 'progress' | 'progressFd'> & RateOptions,
  work: (online: Online) => Promise<T>,
  retryTimes?: RetryTimes,
): Promise<T> {
  const progress = openProgress(options.progress, options.progressFd);
  const onRetry: RetryPolicy['onRetry'] = ({ code, message }, milliseconds) =>
    progress.report({ event: 'retry', code, message, milliseconds });
  const registry = hostRegistry(options, onRetry, retryTimes);
  try {
    return await work({ registry, report: progress.report, signal: endingSignal });
  } finally {
    registry.close();
    progress.end();
  }
}

/** The running system's berth.toml. */
export function hostConfig(options: Pick<CommonOptions, 'user' | 'config'>): Promise<Config> {
  return readConfig(configDirectories(isUser(options)), options.config);
}

/**
 * Where berth keeps its state: in a target, else as the option, the environment or berth.toml says, else
 * where it belongs. It need not exist; if it exists, it is made private.
 */
export function privateStateDirectory(
  options: Pick<CommonOptions, 'user' | 'stateDir'>,
  config: Config,
  target?: Target,
): string {
  const directory =
    target?.stateDirectory ??
    options.stateDir ??
    process.env['BERTH_STATE_DIR'] ??
    config.stateDirectory ??
    defaultStateDirectory(isUser(options));
  keepFromOthers(directory);
  refuseOthers(directory);
  return directory;
}

function pullsItself(engine: EngineId): BerthError {
  const message = `expected an engine whose downloads are berth's own, as --limit-rate is for these; found ${engine}, which pulls by itself`;
  return new BerthError('limit-rate', message, {
    hint: `leave it out, or download by \`berth stage --download-only --limit-rate …\` first and stage then; what ${engine} pulls is held back by the system's traffic control alone`,
    kind: 'usage',
  });
}
