import { join } from 'node:path';
import { once } from '../common/once.ts';
import type { Report } from '../lifecycle/events.ts';
import type { RetryTimes } from '../registry/circuit-breaker.ts';
import type { ResolvedNames } from '../registry/manifests/resolved-names.ts';
import type { LastingRegistry } from '../registry/when-needed.ts';
import type { Root } from '../root/root.ts';
import { keepFromOthers, refuseOthers, refuseUnreadable } from '../state/state-directory.ts';
import { type Config, readConfig } from './config/config.ts';
import type { HostContext, OpenContext } from './context.ts';
import { type HostDeployments, hostDeployments } from './deployments.ts';
import type { HostOptions } from './options.ts';
import { configDirectories, defaultStateDirectory, isUser } from './places.ts';
import { type HostRegistryOptions, hostRegistry } from './registry.ts';
import type { Target } from './target.ts';

/** The program that opens the host: where events go, what stops the work, and its environment. */
export interface Caller {
  readonly report: Report;
  readonly signal: AbortSignal;
  readonly environment: NodeJS.ProcessEnv;
}

/**
 * This machine, opened for one run or for many: its configuration, state, deployments, registries and
 * engine. Each of these is read or opened on first use, and then kept until `close`. A failure is kept too,
 * so every use gets the same one.
 */
export interface Host extends Caller {
  readonly options: HostOptions;
  /** Whether engine and state are the calling user's, not the system's. */
  readonly user: boolean;
  /** The registries as this machine reaches them. They are opened by the first request. */
  readonly registry: LastingRegistry;
  readonly deployments: HostDeployments;
  /** berth.toml and its fragments. */
  readonly config: () => Promise<Config>;
  /**
   * The directory of berth's records. It need not exist; if it exists, it has been made private.
   *
   * @throws {BerthError} `state-directory` if others may write to it, or if berth can't read it.
   */
  readonly stateDirectory: () => Promise<string>;
  /** berth's own OCI layout. It need not exist. */
  readonly storeDirectory: () => Promise<string>;
  /** Opens the root in an OS image, `image:REF`; the caller closes it. */
  readonly openImage: (spec: string) => Promise<Root>;
  /** The context for the lifecycle, with an open engine. */
  readonly context: () => Promise<HostContext>;
  /** The context for an OS that is not running yet, with the engine's storage and berth's state in it. */
  readonly contextIn: (target: Target) => Promise<HostContext>;
  readonly close: () => Promise<void>;
}

type Files = Pick<Host, 'user' | 'config' | 'stateDirectory' | 'storeDirectory'>;

export function openHost(options: HostOptions, caller: Caller): Host {
  const files = filesOf(options, caller.environment);
  const retryTimes = rememberedTimes(options.obeysRetryTimes === true, files.stateDirectory);
  const names = rememberedNames(options.remembersNames === true, files.stateDirectory);
  const registry = registryFor(options, caller, files, {
    retryTimes: retryTimes.read,
    names: names.read,
  });
  const openImage = imagesOf(registry, files.storeDirectory);
  const deployments = hostDeployments(async () => {
    const { directories } = await files.config();
    const { environment } = caller;
    return { directories, environment, ...(options.opensNoImages === true ? {} : { openImage }) };
  });
  const contexts = contextsOf(options, caller, files, registry);
  const close = async () => {
    try {
      await contexts.close();
    } finally {
      registry.close();
      await retryTimes.write();
      await names.write();
    }
  };
  const context = once(() => contexts.open(undefined));
  const opened = { registry, openImage, deployments, context, contextIn: contexts.open, close };
  return { ...caller, options, ...files, ...opened };
}

/** The configuration, and the directories that the options, the environment or berth.toml name. */
function filesOf(options: HostOptions, environment: NodeJS.ProcessEnv): Files {
  const user = isUser(options);
  const config = once(() => readConfig(configDirectories(user, environment), options.config));
  const stateDirectory = once(async () => {
    const { stateDirectory: configured } = await config();
    const given = options.stateDirectory ?? (environment['BERTH_STATE_DIR'] || configured);
    return usable(given ?? defaultStateDirectory(user, environment));
  });
  const storeDirectory = async () => join(await stateDirectory(), 'store');
  return { user, config, stateDirectory, storeDirectory };
}

function registryFor(
  { limitRate }: HostOptions,
  { environment, report }: Caller,
  { config }: Files,
  remembered: Pick<HostRegistryOptions, 'retryTimes' | 'names'>,
): LastingRegistry {
  return hostRegistry({
    environment,
    limits: async () => {
      const { limitRate: configured, registries = new Map() } = await config();
      return { limitRate: limitRate ?? configured, registries };
    },
    ...remembered,
    onRetry: ({ code, message }, milliseconds) =>
      report({ event: 'retry', code, message, milliseconds }),
    onSilence: (silence) => report({ event: 'waiting', ...silence }),
  });
}

function imagesOf(
  registry: LastingRegistry,
  storeDirectory: Host['storeDirectory'],
): Host['openImage'] {
  const opener = once(async () => (await import('./os-image.ts')).openHostImage);
  return async (spec) => (await opener())(spec, registry, await storeDirectory());
}

function contextsOf(
  options: HostOptions,
  caller: Caller,
  { user, config, stateDirectory }: Files,
  registry: LastingRegistry,
) {
  return openedContexts(async (target) => {
    const { openContext } = await import('./context.ts');
    const parts = { ...caller, options, user, registry, target, config: await config() };
    const directory = target && usable(target.stateDirectory);
    return openContext({ ...parts, stateDirectory: directory ?? (await stateDirectory()) });
  });
}

/**
 * Makes a state directory private and checks that it can be read, if it exists.
 *
 * @returns its path.
 */
function usable(stateDirectory: string): string {
  keepFromOthers(stateDirectory);
  refuseOthers(stateDirectory);
  refuseUnreadable(stateDirectory);
  return stateDirectory;
}

/** The times that registries asked earlier runs to wait for, if this host obeys them. */
function rememberedTimes(obeys: boolean, stateDirectory: () => Promise<string>) {
  let times: RetryTimes | undefined;
  const read = once(async (): Promise<RetryTimes> => {
    if (!obeys) return new Map();
    const { readRetryTimes } = await import('../state/retry-times.ts');
    times = readRetryTimes(await stateDirectory());
    return times;
  });
  const write = async () => {
    if (times === undefined) return;
    const { writeRetryTimes } = await import('../state/retry-times.ts');
    writeRetryTimes(await stateDirectory(), times);
  };
  return { read, write };
}

/** What names meant in earlier runs; a host that stages records what they mean in its own. */
function rememberedNames(records: boolean, stateDirectory: () => Promise<string>) {
  let names: ResolvedNames | undefined;
  const read = once(async (): Promise<ResolvedNames> => {
    const { readResolvedNames } = await import('../state/resolved-names.ts');
    names = readResolvedNames(await stateDirectory());
    return names;
  });
  const write = async () => {
    if (!records || names === undefined) return;
    const { writeResolvedNames } = await import('../state/resolved-names.ts');
    writeResolvedNames(await stateDirectory(), names);
  };
  return { read, write };
}

/** Opens contexts, and closes all of them, the last opened first. */
function openedContexts(open: (target: Target | undefined) => Promise<OpenContext>) {
  const opened: OpenContext[] = [];
  return {
    open: async (target: Target | undefined) => {
      const one = await open(target);
      opened.push(one);
      return one.context;
    },
    close: async () => {
      for (const one of opened.splice(0).reverse()) await one.close();
    },
  };
}
