import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { OTHERS } from '../../http/limits.ts';
import { KEEPER, keepService, notStarted, type Service, serviceWords } from '../api/keeper.ts';
import { startedAgain } from '../api/started-again.ts';
import type { Account } from './account.ts';
import { bySystemd, environmentOf, itself, type Person } from './become.ts';
import type { Runtime } from './runtime.ts';
import { type HeldSocket, holdSocket } from './socket.ts';

/**
 * The shell script that runs the service as the user, and says `ready` when its socket is there. Only the
 * user can enter the directory of the socket, and root; in a sandbox root may enter it, but may not write
 * to what others own.
 *
 * A podman without a user namespace to join leaves a process behind that keeps one (`podman pause`). In a
 * mount namespace of berth's own that process must end with the service.
 */
const RUN = `
socket=$1
alone=$2
shift 2
umask 022
[ -z "$XDG_RUNTIME_DIR" ] || [ -d "$XDG_RUNTIME_DIR" ] || mkdir -m 0700 -- "$XDG_RUNTIME_DIR"
"$@" >/dev/null &
podman=$!
trap : TERM
{ until [ -S "$socket" ]; do sleep 0.02; done; chmod 0666 -- "$socket"; echo ready; } 2>/dev/null &
announcer=$!
wait $podman
code=$?
[ $code -le 128 ] || wait $podman
exec 2>/dev/null
kill $announcer
[ "$alone" != alone ] || kill "$(cat "$XDG_RUNTIME_DIR/libpod/tmp/pause.pid")"
exit $code`;

/**
 * Starts `podman system service` as another user, for this process alone.
 *
 * @throws {EngineError} `engine-unreachable`
 */
export async function startUserService(
  person: Person,
  runtime: Runtime,
  shown: string,
): Promise<Service> {
  return startedAgain(() => startOnce(person, runtime, shown));
}

async function startOnce(person: Person, runtime: Runtime, shown: string): Promise<Service> {
  const { account, way } = person;
  const place = way === 'systemd' ? systemdPlace() : ownPlace(account);
  let held: HeldSocket | undefined;
  const close = () => {
    held?.close();
    place.remove();
  };
  try {
    const service = await keepService({
      command: commandOf(person, runtime, place),
      environment: environmentOf(person, runtime),
      directory: '/',
      speaks: true,
      isUrgent: false,
      appeared: async (keeper) => {
        await readiness(keeper);
        held = holdSocket(place.socket, account.uid);
        if (held === undefined) throw notStarted('its socket is not one of the user');
        return held.path;
      },
      api: { shown, limits: OTHERS },
    });
    return {
      ...service,
      close: async () => {
        await service.close();
        close();
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** The place of a service's socket. */
interface Place {
  /** The directory that the keeper removes. */
  readonly directory: string;
  readonly socket: string;
  readonly remove: () => void;
}

/** A directory of root's with one of the user's in it, which the keeper removes together. */
function ownPlace({ uid, gid }: Account): Place {
  const directory = mkdtempSync('/run/berth-podman-');
  chmodSync(directory, 0o711);
  const inner = join(directory, 'user');
  mkdirSync(inner, { mode: 0o700 });
  chownSync(inner, uid, gid);
  return { directory, socket: join(inner, 'podman.sock'), remove: () => removeEmpty(directory) };
}

/** A directory that systemd makes and removes with the unit. */
function systemdPlace(): Place {
  const directory = `/run/berth-podman-${randomBytes(6).toString('hex')}`;
  return { directory, socket: join(directory, 'podman.sock'), remove: () => undefined };
}

/** Removes what the keeper left, if it did not begin. Nothing of the user's is touched. */
function removeEmpty(directory: string): void {
  for (const path of [join(directory, 'user'), directory]) {
    try {
      rmdirSync(path);
    } catch {
      // The keeper has removed it, or the user has put something into it.
    }
  }
}

function commandOf(
  { account, way }: Person,
  runtime: Runtime,
  { directory, socket }: Place,
): readonly string[] {
  const isAlone = way !== 'systemd' && runtime.isAbsent;
  const podman = ['podman', ...serviceWords(socket)];
  const service = ['/bin/sh', '-c', RUN, 'sh', socket, isAlone ? 'alone' : '', ...podman];
  const keeper = ['/bin/sh', '-c', KEEPER, 'sh', directory];
  return way === 'systemd'
    ? bySystemd(account, runtime, [...keeper, ...service], directory.slice('/run/'.length))
    : [...keeper, ...itself(account, runtime, service)];
}

/** Waits for a word on standard output; without one, its end is reported elsewhere. */
async function readiness({ stdout }: ChildProcess): Promise<void> {
  const said = Promise.withResolvers<void>();
  stdout?.once('data', () => {
    // Nothing more is read of what the user may write.
    stdout.pause();
    said.resolve();
  });
  await said.promise;
}
