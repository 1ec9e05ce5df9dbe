import { containerdIn } from '../../common/engine-id.ts';
import type { CommandLine } from '../../systemd/command-line.ts';
import { dockerProgram } from '../engines/docker-program.ts';
import { engineUnknown, type Placement } from '../engines/placement.ts';
import { isYes, lastValue, podmanOfService } from '../engines/podman-of-user.ts';
import type { ContainerCommand } from './programs.ts';
import type { ServiceContext, ServicePlace } from './service-place.ts';

/** The engine that a command of a service asks for its containers. */
export function engineOfCommand(
  command: ContainerCommand,
  line: Pick<CommandLine, 'ignoresUser'>,
  place: ServicePlace,
  context: ServiceContext,
): Placement {
  if (command.program === 'docker' && dockerProgram(command.path, context) === 'docker') {
    return { engine: 'docker' };
  }
  const podman = podmanOf(line, place, context);
  return command.program === 'nerdctl' ? containerdOf(command, podman, place, context) : podman;
}

/** The podman of the user as whom systemd starts a command. */
function podmanOf(
  { ignoresUser }: Pick<CommandLine, 'ignoresUser'>,
  { unit, entry }: ServicePlace,
  context: ServiceContext,
): Placement {
  const startsOnly = isYes(lastValue(unit.entries, 'PermissionsStartOnly'));
  const isHelper = entry.key === 'ExecStartPre' || entry.key === 'ExecStartPost';
  if (ignoresUser || (startsOnly && isHelper)) return context.podman;
  return podmanOfService({ service: unit.name, entries: unit.entries }, context);
}

/**
 * containerd in the namespace that nerdctl uses: its option, else the variable, else `default`.
 *
 * Source: nerdctl, docs/config.md.
 */
function containerdOf(
  { options }: ContainerCommand,
  podman: Placement,
  { unit }: ServicePlace,
  { expander }: ServiceContext,
): Placement {
  if (podman.fault !== undefined) return podman;
  if (podman.engine !== 'podman') return rootless;
  const environment = expander.environment({ service: unit.name, entries: unit.entries });
  const last = (name: string) => options.findLast((option) => option.name === name)?.value;
  const variable = (name: string) => (environment.ok ? environment.values.get(name) : undefined);
  const [namespace, address] = [last('namespace'), last('address')];
  const isSettled = namespace !== undefined && address !== undefined;
  if (!environment.ok && !isSettled) return engineUnknown(environment.message, environment.hint);
  const fault = namespace?.fault ?? address?.fault;
  if (fault !== undefined) return engineUnknown(fault.message, fault.hint);
  const socket = address?.text ?? variable('CONTAINERD_ADDRESS') ?? defaultSocket;
  if (!isDefault(socket)) return otherSocket;
  const name = namespace?.text ?? variable('CONTAINERD_NAMESPACE') ?? 'default';
  const engine = containerdIn(name);
  return engine === undefined ? badNamespace : { engine };
}

const defaultSocket = '/run/containerd/containerd.sock';

function isDefault(socket: string): boolean {
  return socket.replace(/^unix:\/\//, '').replace(/^\/var\/run\//, '/run/') === defaultSocket;
}

const rootless = engineUnknown(
  "expected containerd of the system, found nerdctl run by a user, which asks that user's own containerd",
  'run the service as root, or with podman',
);

const otherSocket = engineUnknown(
  `expected containerd at ${defaultSocket}, found nerdctl with another address`,
  'remove the address, or leave the unit unbound',
);

const badNamespace = engineUnknown(
  'expected a namespace of containerd, found something else',
  'correct the namespace of nerdctl',
);
