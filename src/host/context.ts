import { join } from 'node:path';
import type { Engine } from '../engine/engine.ts';
import type { Context } from '../lifecycle/context.ts';
import type { Registry } from '../registry/registry.ts';
import { State } from '../state/state.ts';
import type { LoadedImages } from '../store/loaded.ts';
import type { Config } from './config.ts';
import { openEngine } from './engine.ts';
import { HostError } from './errors.ts';
import type { HostOptions } from './options.ts';
import type { Target } from './target.ts';

/** The context of the lifecycle on a host: an open engine, the state beside it, the registries. */
export interface HostContext extends Context {
  readonly registry: Registry;
  /** Where roots keep Compose files. */
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
 * Opens the engine as configured.
 *
 * @throws {HostError} `limit-rate`; {EngineError} if the engine can't be reached.
 */
export async function openContext(given: ContextOptions): Promise<OpenContext> {
  const { options, config, registry, report, signal, stateDirectory } = given;
  const storeDirectory = join(stateDirectory, 'store');
  const engine = await openEngine({
    name: options.engine ?? config.engine,
    user: given.user,
    environment: given.environment,
    alone: options.alone ?? false,
    target: given.target,
    pinKey: join(stateDirectory, 'pins.key'),
    warn: (message) => report({ event: 'warning', code: 'strange-pin', message }),
    storeDirectory,
    registry,
  });
  const loaded = loadedImages(storeDirectory);
  const close = async () => {
    await loaded.close();
    await engine.close();
  };
  const refusal = refusalOfRate(engine, options);
  if (refusal !== undefined) {
    await close();
    throw refusal;
  }
  const context: HostContext = {
    engine,
    state: new State(stateDirectory),
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

/** Images that only wait in berth's own store are downloaded by berth, whatever the engine is. */
function refusalOfRate(
  { id, traits }: Engine,
  { limitRate, downloadOnly = false }: HostOptions,
): HostError | undefined {
  if (limitRate === undefined || traits.downloads === 'berth' || downloadOnly) return undefined;
  return new HostError(
    'limit-rate',
    `expected an engine whose downloads are berth's own, as --limit-rate is for these; found ${id}, which pulls by itself`,
    `leave it out, or download by \`berth stage --download-only --limit-rate …\` first and stage then; what ${id} pulls is held back by the system's traffic control alone`,
  );
}
