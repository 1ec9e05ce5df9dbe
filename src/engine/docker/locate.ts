import { existsSync } from 'node:fs';
import { EngineError } from '../errors.ts';
import { isSocket } from '../is-socket.ts';

/** Where docker.socket listens; /var/run is /run on most systems. */
const SOCKETS = ['/run/docker.sock', '/var/run/docker.sock'];

/**
 * Where docker's API listens: `DOCKER_HOST`, or else the path of docker.socket; undefined if there is no
 * socket.
 *
 * @throws {EngineError} for a `DOCKER_HOST` that is no path on this machine: berth prepares only this one.
 */
export function locateDocker(environment: NodeJS.ProcessEnv): string | undefined {
  const host = environment['DOCKER_HOST'];
  if (host === undefined || host === '') return SOCKETS.find((path) => isSocket(path));
  const socket = /^unix:(?:\/\/)?(\/.+)$/.exec(host)?.[1];
  if (socket !== undefined) return socket;
  throw new EngineError(
    'engine-failed',
    `expected DOCKER_HOST to be unix:// and the path of a socket, found ${withoutPassword(host)}`,
    { hint: 'berth works with the docker of this machine; unset DOCKER_HOST' },
  );
}

/** Where dockerd writes its process id. */
const PID_FILES = ['/run/docker.pid', '/var/run/docker.pid'];

/**
 * Whether docker runs already. systemd listens on the usual socket, and starts docker for whoever connects; at a socket
 * that `DOCKER_HOST` names, whoever set the variable wants docker asked.
 *
 * @throws {EngineError} as `locateDocker`.
 */
export function dockerRuns(environment: NodeJS.ProcessEnv): boolean {
  const socket = locateDocker(environment);
  if (socket === undefined || !isSocket(socket)) return false;
  return !SOCKETS.includes(socket) || PID_FILES.some((path) => existsSync(path));
}

/** docker accepts `ssh://user:password@host`, whose password must not be shown. */
function withoutPassword(url: string): string {
  return url.replace(/\/\/[^/]*@/, '//');
}
