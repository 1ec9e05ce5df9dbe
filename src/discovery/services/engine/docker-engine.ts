import type { EngineId } from '../../../common/engine-id.ts';
import { engineUnknown, type Placement } from '../../engines/placement.ts';
import type { ContainerCommand } from '../read-command.ts';
import type { ServiceContext, ServicePlace } from '../service-place.ts';
import { optionOf, variableOf } from './setting.ts';

/**
 * The engine behind the socket that docker's command line asks, whoever calls it.
 *
 * Source: docs.docker.com, "Docker contexts": `--host` and `--context` go before `DOCKER_HOST`, and
 * that before `DOCKER_CONTEXT`.
 */
export function dockerEngine(
  command: ContainerCommand,
  place: ServicePlace,
  context: ServiceContext,
): Placement {
  const host = optionOf('host', command);
  const chosen = optionOf('context', command);
  const socket =
    host ?? (chosen === undefined ? variableOf('DOCKER_HOST', command, place, context) : undefined);
  const named = chosen ?? variableOf('DOCKER_CONTEXT', command, place, context);
  const fault = socket?.fault ?? (socket === undefined ? named?.fault : undefined);
  if (fault !== undefined) return engineUnknown(fault.message, fault.hint);
  if (socket === undefined) return (named?.text ?? 'default') === 'default' ? docker : elsewhere;
  const path = (socket.text ?? '').replace(/^unix:\/\//, '').replace(/^\/var\/run\//, '/run/');
  const engine = sockets[path];
  return engine === undefined ? elsewhere : { engine };
}

const docker: Placement = { engine: 'docker' };

/** podman answers docker's API at its socket, too. */
const sockets: Readonly<Record<string, EngineId>> = {
  '/run/docker.sock': 'docker',
  '/run/podman/podman.sock': 'podman',
};

const elsewhere = engineUnknown(
  'expected docker of the system, found a command that asks another host, socket or context',
  'remove --host, --context and DOCKER_HOST, or leave the unit unbound',
);
