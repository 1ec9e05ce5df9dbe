import type { RateOptions } from '../cli/options.ts';
import type { RetryTimes } from '../registry/circuit-breaker.ts';
import type { Registry } from '../registry/registry.ts';
import type { RetryPolicy } from '../registry/retry.ts';
import { openWhenNeeded } from '../registry/when-needed.ts';

/** The registries as the running system reaches them, at no more than `--limit-rate`. */
export function hostRegistry(
  { limitRate }: RateOptions,
  onRetry: RetryPolicy['onRetry'],
  retryTimes?: RetryTimes,
): Registry {
  return openWhenNeeded(async () => {
    const { openHostRegistry } = await import('../registry/host.ts');
    const { retryPolicy } = await import('../registry/retry.ts');
    const registry = await openHostRegistry(onRetry, retryPolicy, retryTimes);
    if (limitRate === undefined) return registry;
    return (await import('../registry/limit-rate.ts')).limitingRate(registry, limitRate);
  });
}
