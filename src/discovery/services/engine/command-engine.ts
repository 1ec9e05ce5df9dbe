import { posix } from 'node:path';
import type { CommandLine } from '../../../systemd/command-line.ts';
import { dockerProgram } from '../../engines/docker-program.ts';
import { engineUnknown, type Placement } from '../../engines/placement.ts';
import { isYes, lastValue, podmanOfService, podmanOfUser } from '../../engines/podman-of-user.ts';
import type { ComposeCommand } from '../compose-command.ts';
import { engineTransports } from '../images/copied-image.ts';
import type { ContainerCommand } from '../read-command.ts';
import type { ServiceContext, ServicePlace } from '../service-place.ts';
import { containerdEngine } from './containerd-engine.ts';
import { crictlEngine } from './crictl-engine.ts';
import { dockerEngine } from './docker-engine.ts';
import { nerdctlEngine } from './nerdctl-engine.ts';
import { variableOf } from './setting.ts';

/** The engine that a command of a service asks for its containers. */
export async function engineOfCommand(
  command: ContainerCommand,
  line: Pick<CommandLine, 'ignoresUser'>,
  place: ServicePlace,
  context: ServiceContext,
): Promise<Placement> {
  const { program, path, rest } = command;
  const podman = () => podmanOf(command, line, place, context);
  switch (program) {
    case 'docker':
      return dockerProgram(path, context) === 'docker'
        ? dockerEngine(command, place, context)
        : podman();
    case 'ctr':
      return containerdEngine(command, place, context, () => ({}));
    case 'crictl':
      return crictlEngine(command, place, context);
    case 'nerdctl': {
      const caller = podman();
      if (caller.fault !== undefined) return caller;
      return nerdctlEngine(command, caller.engine === 'podman', place, context);
    }
    case 'skopeo':
      return rest[1]?.text.startsWith(engineTransports.docker) === true
        ? { engine: 'docker' }
        : podman();
    case 'podman':
    case 'buildah':
      return podman();
  }
}

/** The engine that runs the containers of a Compose project. */
export async function engineOfCompose(
  { program, path, engineOptions, options, caller }: ComposeCommand,
  line: Pick<CommandLine, 'ignoresUser'>,
  place: ServicePlace,
  context: ServiceContext,
): Promise<Placement> {
  const given = [...engineOptions, ...options];
  // The options of docker-compose and of docker name the same engine.
  const chosen = given.filter(({ name }) => engineChoices.has(name));
  const command = { path, kind: 'run', options: chosen, rest: [], caller } as const;
  if (program === 'nerdctl') return engineOfCommand({ ...command, program }, line, place, context);
  if (program !== 'docker') return podmanOf({ caller }, line, place, context);
  const asksHost =
    chosen.length > 0 || variableOf('DOCKER_HOST', command, place, context) !== undefined;
  // The package podman-docker puts podman's socket in the place of docker's.
  if (!asksHost && dockerProgram('docker', context) === 'podman') {
    return posix.basename(path) === 'docker'
      ? podmanOf({ caller }, line, place, context)
      : { engine: 'podman' };
  }
  return dockerEngine({ ...command, program }, place, context);
}

const engineChoices: ReadonlySet<string> = new Set(['address', 'context', 'host', 'namespace']);

/** The podman of the user as whom systemd, or sudo and the like, start a command. */
function podmanOf(
  { caller: { user } }: Pick<ContainerCommand, 'caller'>,
  { ignoresUser }: Pick<CommandLine, 'ignoresUser'>,
  { unit, entry }: ServicePlace,
  context: ServiceContext,
): Placement {
  if (user !== undefined) {
    if (user.fault !== undefined) return engineUnknown(user.fault.message, user.fault.hint);
    if (context.podman.engine !== 'podman') return othersPodman;
    return podmanOfUser(user.text, context.accounts);
  }
  const startsOnly = isYes(lastValue(unit.entries, 'PermissionsStartOnly'));
  const isHelper = entry.key !== 'ExecStart';
  if (ignoresUser || (startsOnly && isHelper)) return context.podman;
  return podmanOfService({ service: unit.name, entries: unit.entries }, context);
}

const othersPodman = engineUnknown(
  'expected a service of a user that runs its own podman, found a command that becomes another user',
  'let a service of the system run it, with User=',
);
