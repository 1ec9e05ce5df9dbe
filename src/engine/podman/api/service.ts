import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { systemErrorCode } from '../../../common/errors.ts';
import { EngineError } from '../../errors.ts';
import { KEEPER, keepService, type Service, serviceWords } from './keeper.ts';
import { runtimeDirectory } from './locate.ts';
import { startedAgain } from './started-again.ts';

export interface ServiceOptions {
  /** podman's command line, up to its command. */
  readonly podman?: readonly string[] | undefined;
  /** Whether the machine waits for berth. If not, running services take precedence. */
  readonly isUrgent?: boolean;
}

/**
 * Starts `podman system service` on a socket in a private directory, for this process alone.
 *
 * @throws {EngineError} `engine-unreachable`, with podman's own error output if there is any.
 */
export async function startService(
  user: boolean,
  environment: NodeJS.ProcessEnv,
  options: ServiceOptions = {},
): Promise<Service> {
  return startedAgain(() => startOnce(user, environment, options));
}

async function startOnce(
  user: boolean,
  environment: NodeJS.ProcessEnv,
  { podman = ['podman'], isUrgent = false }: ServiceOptions,
): Promise<Service> {
  const directory = privateDirectory(user, environment);
  const removeDirectory = () => rmSync(directory, { recursive: true, force: true });
  const socket = join(directory, 'podman.sock');
  const command = [...podman, ...networkOptions(directory, user), ...serviceWords(socket)];
  const appearing = whenThere(directory, socket);
  try {
    const service = await keepService({
      command: ['/bin/sh', '-c', KEEPER, 'sh', directory, ...command],
      environment: withoutClient(environment),
      isUrgent,
      appeared: () => appearing.promise,
    });
    return {
      ...service,
      close: async () => {
        await service.close();
        removeDirectory();
      },
    };
  } catch (error) {
    removeDirectory();
    throw error;
  } finally {
    appearing.end();
  }
}

/** Waits until the socket appears in its directory. */
function whenThere(
  directory: string,
  socket: string,
): { readonly promise: Promise<string>; readonly end: () => void } {
  const { promise, resolve } = Promise.withResolvers<string>();
  const watcher = watch(directory, () => {
    if (existsSync(socket)) resolve(socket);
  });
  return { promise, end: () => watcher.close() };
}

/**
 * Makes a directory that only its owner may enter, because whoever reaches the socket acts as root, or as
 * the user.
 */
function privateDirectory(user: boolean, environment: NodeJS.ProcessEnv): string {
  const places = [user ? runtimeDirectory(environment) : '/run', tmpdir()];
  const place = places.find((path) => isWritable(path)) ?? tmpdir();
  try {
    return mkdtempSync(join(place, 'berth-podman-'));
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    throw new EngineError(
      'engine-failed',
      `can't make a directory for podman's socket: ${String(error)}`,
      {
        hint: 'name a directory that you may write to in TMPDIR',
        cause: error,
      },
    );
  }
}

/**
 * Before version 5, podman always writes a lock file into its directory of networks, and fails if /etc is
 * read-only. Pins have no network, so any other directory will do.
 */
function networkOptions(directory: string, user: boolean): readonly string[] {
  if (user) return [];
  let configured = '/etc/containers/networks';
  while (!existsSync(configured)) configured = dirname(configured);
  if (isWritable(configured)) return [];
  const own = join(directory, 'networks');
  mkdirSync(own);
  return ['--network-config-dir', own];
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** The first two variables make podman act as a client; the others describe sockets passed by systemd. */
function withoutClient(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const ours = [
    'CONTAINER_HOST',
    'CONTAINER_CONNECTION',
    'LISTEN_FDS',
    'LISTEN_PID',
    'NOTIFY_SOCKET',
  ];
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !ours.includes(name)));
}
