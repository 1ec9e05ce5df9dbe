import type { CommandLine } from '../../systemd/command-line.ts';
import { dockerProgram } from '../engines/docker-program.ts';
import type { Placement } from '../engines/placement.ts';
import { isYes, lastValue, podmanOfService } from '../engines/podman-of-user.ts';
import { containerdEngine } from './containerd-engine.ts';
import { dockerEngine } from './docker-engine.ts';
import { nerdctlEngine } from './nerdctl-engine.ts';
import type { ContainerCommand } from './programs.ts';
import type { ServiceContext, ServicePlace } from './service-place.ts';

/** The engine that a command of a service asks for its containers. */
export async function engineOfCommand(
  command: ContainerCommand,
  line: Pick<CommandLine, 'ignoresUser'>,
  place: ServicePlace,
  context: ServiceContext,
): Promise<Placement> {
  const { program, path } = command;
  if (program === 'docker' && dockerProgram(path, context) === 'docker') {
    return dockerEngine(command, place, context);
  }
  if (program === 'ctr') return containerdEngine(command, place, context, () => ({}));
  const podman = podmanOf(line, place, context);
  if (program !== 'nerdctl' || podman.fault !== undefined) return podman;
  return nerdctlEngine(command, podman.engine === 'podman', place, context);
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
