import { setImmediate } from 'node:timers/promises';
import { EngineError } from '../../errors.ts';
import { OTHERS } from '../../http/limits.ts';
import { PodmanApi } from '../api/api.ts';
import type { Connection } from '../api/connect.ts';
import type { Account } from './account.ts';
import { bySystemd, environmentOf, hasBooted, itself, type Person, wayToBecome } from './become.ts';
import { type Ran, run } from './run.ts';
import {
  doesLinger,
  LOOK,
  needsUserDirectory,
  ownDirectories,
  type Runtime,
  runtimeOf,
  seenIn,
  userDirectory,
} from './runtime.ts';
import { startUserService } from './service.ts';
import { holdSocket } from './socket.ts';

/** In milliseconds: the first connection to a socket of systemd's has to start a service. */
const PING_TIMEOUT = 30_000;

export interface UserConnection extends Connection {
  /**
   * Reads a file with the user's rights, in a process of the user: whatever is in its place, root neither
   * opens nor waits for it.
   *
   * @returns undefined if it can't be read, is too large or does not end.
   */
  readonly read: (file: string) => Promise<string | undefined>;
}

/** In bytes: enough for some ten thousand layers. */
const MAX_FILE = 16 * 1024 * 1024;

/** A podman that answers at a path, until it is closed. */
interface Answering {
  readonly socket: string;
  readonly version: string;
  readonly own: boolean;
  close(): Promise<void>;
}

/**
 * Connects to another user's podman: through the user's socket, or else to a service that is started as the
 * user. What ends meanwhile is looked for, or started, again.
 *
 * @throws {EngineError} `engine-unreachable`
 */
export async function connectToUser(
  account: Account,
  path: string | undefined,
): Promise<UserConnection> {
  let last = await answering(account, path);
  let restarted: Promise<unknown> = Promise.resolve();
  const restart = async () => {
    const before = last;
    const restarting = answering(account, path);
    restarted = restarting
      .then(async (after) => {
        last = after;
        // Only when requests go to the new socket: the number of a descriptor soon means another file.
        await setImmediate();
        await before.close();
      })
      // Whoever asked for the restart hears of a failure.
      .catch(() => undefined);
    return (await restarting).socket;
  };
  const api = new PodmanApi(last.socket, { restart, shown: shownAs(account), limits: OTHERS });
  const close = async () => {
    api.close();
    // A service that is just being started must be ended as well.
    await restarted;
    await last.close();
  };
  return {
    api,
    version: () => last.version,
    own: last.own,
    read: async (file) => readAs({ account, path, way: await wayToBecome() }, file),
    close,
  };
}

async function answering(account: Account, path: string | undefined): Promise<Answering> {
  return (await atSocket(account)) ?? startService({ account, path, way: await wayToBecome() });
}

/** The podman behind the user's own socket, if one answers there. */
async function atSocket(account: Account): Promise<Answering | undefined> {
  const held = holdSocket(`${userDirectory(account.uid)}/podman/podman.sock`, account.uid);
  if (held === undefined) return undefined;
  const api = new PodmanApi(held.path, { shown: shownAs(account), limits: OTHERS });
  try {
    const version = await api.ping(PING_TIMEOUT);
    return { socket: held.path, version, own: false, close: async () => held.close() };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    held.close();
    return undefined;
  } finally {
    api.close();
  }
}

/**
 * Starts a service. A user who does not linger and is not logged in may have a podman that insists on the
 * directory of a login.
 */
async function startService(person: Person): Promise<Answering> {
  const { uid } = person.account;
  const runtime = await runtimeFor(person);
  try {
    return await startIn(person, runtime);
  } catch (error) {
    const isForLogin =
      runtime.directory === undefined &&
      error instanceof EngineError &&
      needsUserDirectory(uid, error.message);
    if (!isForLogin) throw error;
    return startIn(person, { directory: userDirectory(uid), isAbsent: true });
  }
}

/** A directory that is absent is best made by systemd: the user may log in meanwhile. */
async function startIn(person: Person, runtime: Runtime): Promise<Answering> {
  const way = runtime.isAbsent && (await hasBooted()) ? 'systemd' : person.way;
  const service = await startUserService({ ...person, way }, runtime, shownAs(person.account));
  return { ...service, own: true };
}

async function runtimeFor(person: Person): Promise<Runtime> {
  const { uid } = person.account;
  const words = ['sh', '-c', LOOK, 'sh', userDirectory(uid), ...ownDirectories(uid)];
  const { stdout } = await runAs(person, words);
  return runtimeOf(uid, { ...seenIn(stdout), lingers: doesLinger(person.account) });
}

async function readAs(person: Person, file: string): Promise<string | undefined> {
  const { code, stdout } = await runAs(person, ['cat', '--', file], MAX_FILE);
  return code === 0 ? stdout : undefined;
}

/** Runs a program as the user, bounded in time and output. */
async function runAs(person: Person, words: readonly string[], most?: number): Promise<Ran> {
  const { account, way } = person;
  const none = { directory: undefined, isAbsent: false };
  const command =
    way === 'systemd' ? bySystemd(account, none, words) : itself(account, none, words);
  const environment = environmentOf(person, none);
  return run(command, { environment, ...(most === undefined ? {} : { most }) });
}

/** The name of the podman in messages. */
function shownAs({ name }: Account): string {
  return `the podman of ${name}`;
}
