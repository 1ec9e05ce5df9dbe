import { containerdIn } from '../../../common/engine-id.ts';
import { engineUnknown, type Placement } from '../../engines/placement.ts';
import type { ContainerCommand } from '../read-command.ts';
import type { ServiceContext, ServicePlace } from '../service-place.ts';
import { optionOf, type Setting, variableOf } from './setting.ts';

/**
 * containerd in the namespace that a command uses: its option, else the variable, else its
 * configuration, else `default`.
 *
 * Source: nerdctl, docs/config.md; containerd, cmd/ctr/app/main.go.
 *
 * @param configured the program's own configuration; ctr has none.
 */
export function containerdEngine(
  command: ContainerCommand,
  place: ServicePlace,
  context: ServiceContext,
  configured: (key: string) => Setting,
): Placement {
  const setting = (name: 'address' | 'namespace', variable: string): Setting =>
    optionOf(name, command) ?? variableOf(variable, command, place, context) ?? configured(name);
  const address = setting('address', 'CONTAINERD_ADDRESS');
  const namespace = setting('namespace', 'CONTAINERD_NAMESPACE');
  const fault = address.fault ?? namespace.fault;
  if (fault !== undefined) return engineUnknown(fault.message, fault.hint);
  if (!isDefault(address.text ?? defaultSocket)) return otherSocket;
  const engine = containerdIn(namespace.text ?? 'default');
  return engine === undefined ? badNamespace : { engine };
}

const defaultSocket = '/run/containerd/containerd.sock';

function isDefault(socket: string): boolean {
  return socket.replace(/^unix:\/\//, '').replace(/^\/var\/run\//, '/run/') === defaultSocket;
}

const otherSocket = engineUnknown(
  `expected containerd at ${defaultSocket}, found a command with another address`,
  'remove the address, or leave the unit unbound',
);

const badNamespace = engineUnknown(
  'expected a namespace of containerd, found something else',
  'correct the namespace',
);
