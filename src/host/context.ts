import { join } from 'node:path';
import type { Context } from '../lifecycle/context.ts';
import type { Registry } from '../registry/registry.ts';
import { State } from '../state/state.ts';
import type { LoadedImages } from '../store/loaded.ts';
import type { Config } from './config/config.ts';
import { chosenEngines, hostEngines } from './engines.ts';
import type { HostOptions } from './options.ts';
import { callingUser } from './self.ts';
import type { Target } from './target.ts';

/** The context of the lifecycle on a host: its engines, the state beside them, the registries. */
export interface HostContext extends Context {
  readonly registry: Registry;
  /** The paths of Compose files in roots. */
  readonly compose: readonly string[];
}

export interface OpenContext {
  readonly context: HostContext;
  readonly close: () => Promise<void>;
}

export interface ContextOptions extends Pick<Context, 'report' | 'signal'> {
  readonly stateDirectory: string;
  readonly options: HostOptions;
  readonly config: Config;
  readonly user: boolean;
  readonly environment: NodeJS.ProcessEnv;
  readonly registry: Registry;
  readonly target: Target | undefined;
}

/**
 * Finds out which engines there are. Each is opened on first use, which throws `HostError` `limit-rate`, or
 * `EngineError` if the engine can't be reached.
 */
export async function openContext(given: ContextOptions): Promise<OpenContext> {
  const { options, config, registry, report, signal, stateDirectory } = given;
  const storeDirectory = join(stateDirectory, 'store');
  const engines = await hostEngines({
    name: options.engine,
    configured: config.engine,
    user: given.user,
    environment: given.environment,
    alone: options.alone ?? false,
    target: given.target,
    pinKey: join(stateDirectory, 'pins.key'),
    warn: (message) => report({ event: 'warning', code: 'strange-pin', message }),
    isLimiting: [options.limitRate, config.limitRate, config.registries].some(
      (limit) => limit !== undefined,
    ),
    warnOfLimit: (message) => report({ event: 'warning', code: 'not-limited', message }),
    storeDirectory,
    registry,
    limitRate: options.limitRate,
    downloadOnly: options.downloadOnly ?? false,
  });
  const loaded = loadedImages(storeDirectory);
  const close = async () => {
    await loaded.close();
    await engines.close();
  };
  const context: HostContext = {
    engines,
    self: selfOf(given),
    state: new State(stateDirectory, given.user ? engines.own : undefined),
    report,
    signal,
    registry,
    compose: config.compose,
    reserve: config.reserve,
    lockPatience: options.lockPatience,
    loaded: loaded.images,
  };
  return { context, close };
}

/** The user for whom the run stages; undefined for the system, and for an OS that does not run yet. */
function selfOf({ options, config, user, environment, target }: ContextOptions) {
  if (!user || target !== undefined) return undefined;
  const { own, only } = chosenEngines({ name: options.engine, configured: config.engine, user });
  return callingUser(environment, only === own);
}

/** The images of `berth load`, opened when a name is first looked up. */
function loadedImages(directory: string) {
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
