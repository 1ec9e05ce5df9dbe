import type { RetryTimes } from '../registry/circuit-breaker.ts';
import type { OnSilence } from '../registry/http/silence.ts';
import type { LimitSettings } from '../registry/limits.ts';
import type { ResolvedNames } from '../registry/manifests/resolved-names.ts';
import { Permitted } from '../registry/policy/permitted.ts';
import type { RetryPolicy } from '../registry/retry.ts';
import { type LastingRegistry, openWhenNeeded } from '../registry/when-needed.ts';

export interface HostRegistryOptions {
  readonly environment: NodeJS.ProcessEnv;
  readonly onRetry: RetryPolicy['onRetry'];
  readonly onSilence: OnSilence;
  /** The limits by berth.toml and the flag; read when a registry is first needed. */
  readonly limits: () => Promise<LimitSettings>;
  /** The times that registries asked earlier runs to wait for; read when a registry is first needed. */
  readonly retryTimes: () => Promise<RetryTimes>;
  /** What names meant in earlier runs; read when a registry is first needed. */
  readonly names: () => Promise<ResolvedNames>;
}

/** The registries as the running system reaches them. */
export function hostRegistry({
  environment,
  onRetry,
  onSilence,
  limits,
  retryTimes,
  names,
}: HostRegistryOptions): LastingRegistry {
  const permitted = new Permitted();
  return openWhenNeeded(async () => {
    const { openHostRegistry } = await import('../registry/host.ts');
    const { retryPolicy } = await import('../registry/retry.ts');
    const { Limits } = await import('../registry/limits.ts');
    const ofRun = {
      retryTimes: await retryTimes(),
      permitted,
      names: await names(),
      limits: new Limits(await limits()),
      onSilence,
    };
    return openHostRegistry(environment, onRetry, retryPolicy, ofRun);
  });
}
