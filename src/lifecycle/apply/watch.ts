import { setTimeout as delay } from 'node:timers/promises';
import type { ServiceContainer } from '../../engine/containers.ts';
import type { Engine } from '../../engine/engine.ts';
import type { ServiceManager } from '../../systemctl/services.ts';

export interface Watch {
  /** How long a service must stay up if it has neither notifications nor health checks, in seconds. */
  readonly seconds: number;
}

/** The time between two looks at a service, in milliseconds. */
const INTERVAL = 500;

/** How much of a health check's output is shown, in characters. */
const MAX_OUTPUT = 200;

/** How long after its start period a health check may take, in seconds: a check that hangs never ends. */
const HEALTH_LIMIT = 900;

/**
 * Restarts a service and watches whether it comes up: by its own notification (`--sdnotify=container` or
 * `healthy`), else by its health checks, else by whether it stays up for a while.
 *
 * @returns why the service does not come up; undefined if it does.
 */
export async function bringUp(
  engine: Pick<Engine, 'containers'>,
  manager: ServiceManager,
  unit: string,
  { seconds }: Watch,
  signal: AbortSignal,
): Promise<string | undefined> {
  const failure = await manager.restart(unit, signal);
  if (failure !== undefined) return failure;
  const { invocation } = await manager.one(unit);
  const begun = performance.now();
  for (;;) {
    signal.throwIfAborted();
    const service = await manager.one(unit);
    if (service.type === 'oneshot' && service.state !== 'failed') return undefined;
    if (service.state !== 'active' && service.state !== 'reloading')
      return `it did not stay up: it is ${service.state}`;
    if (service.invocation !== invocation) return 'it did not stay up: it was started once more';
    const waited = performance.now() - begun;
    const own = (await engine.containers?.(unit)) ?? [];
    const sick = own.find(({ health }) => health?.status === 'unhealthy');
    if (sick !== undefined) return unhealthy(sick);
    const checks = own.flatMap(({ health }) => health ?? []);
    if (own.length > 0 && own.every(({ command }) => saysItself(command))) return undefined;
    if (checks.length > 0) {
      if (checks.every(({ status }) => status === 'healthy')) return undefined;
      const startPeriod = checks.reduce(
        (longest, check) => Math.max(longest, check.startPeriod),
        0,
      );
      const limit = HEALTH_LIMIT + startPeriod;
      if (waited > limit * 1000) return `no health check succeeded in ${limit} s`;
    } else if (waited >= seconds * 1000) return undefined;
    await delay(INTERVAL, undefined, { signal }).catch(() => undefined);
  }
}

/** Why a container is unhealthy, with its last output: the health log is lost with the container. */
function unhealthy({ name, health }: ServiceContainer): string {
  const said = (health?.output ?? '').trim().slice(0, MAX_OUTPUT);
  return `its container ${name} is unhealthy${said === '' ? '' : `: ${said}`}`;
}

function saysItself(command: readonly string[]): boolean {
  return /--sdnotify[= ](container|healthy)\b/.test(command.join(' '));
}
