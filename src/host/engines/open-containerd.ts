import { type EngineId, engineParts } from '../../common/engine-id.ts';
import type { ContainerdOptions } from '../../engine/containerd/containerd.ts';
import { locateContainerd } from '../../engine/containerd/locate.ts';
import type { Depot } from '../../engine/depot.ts';
import type { Absence, Engine } from '../../engine/engine.ts';
import { atBoot } from '../at-boot.ts';

/** The options of a host that containerd depends on. */
interface ContainerdHost extends Pick<ContainerdOptions, 'pinKey' | 'registry'> {
  readonly environment: NodeJS.ProcessEnv;
}

/** Opens a namespace of containerd, or says why it can't be used. */
export async function openContainerdHere(
  id: EngineId,
  depot: Depot,
  { environment, pinKey, registry }: ContainerdHost,
): Promise<Engine | Absence> {
  const { namespace } = engineParts(id);
  const located = locateContainerd(namespace, environment);
  if ('reason' in located) return atBoot(located.reason);
  const { openContainerd } = await import('../../engine/containerd/containerd.ts');
  return openContainerd({ socket: located.socket, namespace, pinKey, registry, depot });
}
