import { type EngineId, engineParts } from '../../common/engine-id.ts';
import type { ContainerdOptions } from '../../engine/containerd/containerd.ts';
import type { Depot } from '../../engine/depot.ts';
import type { Absence, Engine } from '../../engine/engine.ts';
import { atBoot } from '../at-boot.ts';

/** The options of a host that containerd depends on. */
interface ContainerdHost extends Pick<ContainerdOptions, 'pinKey' | 'registry'> {
  /** The calling user's engine instead of the system's. */
  readonly user: boolean;
  readonly environment: NodeJS.ProcessEnv;
  /** An OS that is not running yet. */
  readonly target?: object | undefined;
}

/** Opens a namespace of containerd, or says why it can't be used. */
export async function openContainerdHere(
  id: EngineId,
  depot: Depot,
  { user, target, environment, pinKey, registry }: ContainerdHost,
): Promise<Engine | Absence> {
  if (user) {
    const reason = 'only root can reach containerd';
    return { reason, hint: 'run berth as root', takes: 'never' };
  }
  if (target !== undefined) return atBoot('an OS that does not run yet has no containerd');
  const { locateContainerd, openContainerd } = await import(
    '../../engine/containerd/containerd.ts'
  );
  const { namespace } = engineParts(id);
  const located = locateContainerd(namespace, environment);
  if ('reason' in located) return atBoot(located.reason);
  return openContainerd({ socket: located.socket, namespace, pinKey, registry, depot });
}
