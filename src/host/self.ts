import { userInfo } from 'node:os';
import type { WantedOptions } from '../binding/wanted.ts';
import { type EngineId, podmanOf } from '../common/engine-id.ts';
import { systemErrorCode } from '../common/errors.ts';

/** The calling user's podman, by the user's name. */
export function podmanOfCaller(): EngineId {
  const { uid, name } = callerInPasswd();
  return podmanOf(name ?? String(uid)) ?? `podman:${uid}`;
}

/**
 * The calling user, for whom a run reads and stages.
 *
 * @param alone whether the run is for this user's podman alone.
 */
export function callingUser(
  environment: NodeJS.ProcessEnv,
  alone: boolean,
): NonNullable<WantedOptions['self']> {
  const { uid, gid, name, home } = callerInPasswd();
  return {
    uid,
    gid,
    ...(name === undefined ? {} : { name }),
    // As podman and systemd do, for a user who is not in passwd.
    home: home ?? absolute(environment['HOME']) ?? '/nonexistent',
    engine: podmanOfCaller(),
    alone,
    configuration: absolute(environment['XDG_CONFIG_HOME']),
    data: absolute(environment['XDG_DATA_HOME']),
    cache: absolute(environment['XDG_CACHE_HOME']),
    runtime: absolute(environment['XDG_RUNTIME_DIR']),
  };
}

interface PasswdEntry {
  readonly uid: number;
  readonly gid: number;
  readonly name?: string;
  readonly home?: string;
}

function callerInPasswd(): PasswdEntry {
  const uid = process.geteuid?.() ?? 0;
  const gid = process.getegid?.() ?? 0;
  try {
    const { username: name, homedir: home } = userInfo();
    return { uid, gid, name, home };
  } catch (error) {
    // A process in a container may run as a UID without an entry in passwd.
    if (systemErrorCode(error) === undefined) throw error;
    return { uid, gid };
  }
}

/** The XDG base directory specification ignores relative paths. */
function absolute(path: string | undefined): string | undefined {
  return path?.startsWith('/') === true ? path : undefined;
}
