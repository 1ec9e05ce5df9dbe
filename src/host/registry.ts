import type { RetryTimes } from '../registry/circuit-breaker.ts';
import { limitingRate } from '../registry/limit-rate.ts';
import { Permitted } from '../registry/policy/permitted.ts';
import type { RetryPolicy } from '../registry/retry.ts';
import { type LastingRegistry, openWhenNeeded } from '../registry/when-needed.ts';

interface HostRegistryOptions {
  readonly environment: NodeJS.ProcessEnv;
  readonly onRetry: RetryPolicy['onRetry'];
  /** How many bytes a second are downloaded at most. */
  readonly limitRate: number | undefined;
  /** The times that registries asked earlier runs to wait for; read when a registry is first needed. */
  readonly retryTimes: () => Promise<RetryTimes>;
}

/** The registries as the running system reaches them. */
export function hostRegistry({
  environment,
  onRetry,
  limitRate,
  retryTimes,
}: HostRegistryOptions): LastingRegistry {
  const permitted = new Permitted();
  const registry = openWhenNeeded(async () => {
    const { openHostRegistry } = await import('../registry/host.ts');
    const { retryPolicy } = await import('../registry/retry.ts');
    const times = await retryTimes();
    return openHostRegistry(environment, onRetry, retryPolicy, times, permitted);
  });
  return limitRate === undefined ? registry : limitingRate(registry, limitRate);
}
