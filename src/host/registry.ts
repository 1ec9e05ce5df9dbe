import type { RateOptions } from '../cli/options.ts';
import type { RetryTimes } from '../registry/circuit-breaker.ts';
import { limitingRate } from '../registry/limit-rate.ts';
import { Permitted } from '../registry/policy/permitted.ts';
import type { RetryPolicy } from '../registry/retry.ts';
import { type LastingRegistry, openWhenNeeded } from '../registry/when-needed.ts';

/** The registries as the running system reaches them, at no more than `--limit-rate`. */
export function hostRegistry(
  { limitRate }: RateOptions,
  onRetry: RetryPolicy['onRetry'],
  retryTimes?: RetryTimes,
): LastingRegistry {
  const permitted = new Permitted();
  const registry = openWhenNeeded(async () => {
    const { openHostRegistry } = await import('../registry/host.ts');
    const { retryPolicy } = await import('../registry/retry.ts');
    return openHostRegistry(onRetry, retryPolicy, retryTimes, permitted);
  });
  return limitRate === undefined ? registry : limitingRate(registry, limitRate);
}
