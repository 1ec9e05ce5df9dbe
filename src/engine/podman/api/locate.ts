import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { EngineError } from '../../errors.ts';
import { isSocket } from '../../is-socket.ts';

/** Where podman's socket is expected. */
export interface Location {
  readonly socket: string;
  /** Whether `CONTAINER_HOST` names the socket: then no other podman will do. */
  readonly demanded: boolean;
}

/**
 * Where podman's API listens: `CONTAINER_HOST`, or else the path of podman.socket.
 *
 * @param user the calling user's podman instead of the system's.
 * @throws {EngineError} for a `CONTAINER_HOST` on another machine: berth prepares only this one.
 */
export function locatePodman(user: boolean, environment: NodeJS.ProcessEnv): Location {
  const host = environment['CONTAINER_HOST'];
  if (host === undefined || host === '')
    return { socket: usualSocket(user, environment), demanded: false };
  const socket = /^unix:(?:\/\/)?(\/.+)$/.exec(host)?.[1];
  if (socket !== undefined) return { socket, demanded: true };
  throw new EngineError(
    'engine-failed',
    `expected CONTAINER_HOST to be unix:// and the path of a socket, found ${withoutPassword(host)}`,
    { hint: 'berth works with the podman of this machine; unset CONTAINER_HOST' },
  );
}

/** Whether a podman is present: its program on `PATH`, its socket, or `CONTAINER_HOST`. */
export function podmanPresent(user: boolean, environment: NodeJS.ProcessEnv): boolean {
  return (
    (environment['CONTAINER_HOST'] ?? '') !== '' ||
    isSocket(usualSocket(user, environment)) ||
    (environment['PATH'] ?? '')
      .split(delimiter)
      .some((directory) => isProgram(join(directory, 'podman')))
  );
}

/** Whether the system's podman has a socket, at which systemd may start its service. */
export function podmanListens(environment: NodeJS.ProcessEnv): boolean {
  return isSocket(locatePodman(false, environment).socket);
}

function usualSocket(user: boolean, environment: NodeJS.ProcessEnv): string {
  if (!user) return '/run/podman/podman.sock';
  return join(runtimeDirectory(environment), 'podman/podman.sock');
}

/**
 * `XDG_RUNTIME_DIR`, or the default of pam_systemd(8), since a service without a session may lack the
 * variable.
 */
export function runtimeDirectory(environment: NodeJS.ProcessEnv): string {
  return environment['XDG_RUNTIME_DIR'] || `/run/user/${process.geteuid?.() ?? 0}`;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** podman accepts `ssh://user:password@host/…`, whose password must not be shown. */
function withoutPassword(url: string): string {
  return url.replace(/\/\/[^/]*@/, '//');
}
