import { run } from './run.ts';

/** A user of this machine. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  /** The user's primary group. */
  readonly gid: number;
  readonly home: string;
}

/**
 * The user of this name, or with this UID in digits, as the running system knows users (NSS): from
 * /etc/passwd, systemd's userdb, a directory service.
 *
 * @returns undefined if there is none, or if the system does not say in time.
 */
export async function findAccount(name: string): Promise<Account | undefined> {
  const { code, stdout } = await run(['getent', 'passwd', '--', name]);
  return code === 0 ? accountOf(stdout, name) : undefined;
}

/** Reads a line of passwd(5) about the user who is called by this name or UID. */
export function accountOf(line: string, called: string): Account | undefined {
  const [name = '', , uid = '', gid = '', , home = ''] = (line.split('\n')[0] ?? '').split(':');
  const isMeant = name === called || uid === called;
  const isNumbered = [uid, gid].every((id) => /^\d{1,10}$/.test(id));
  if (!isMeant || !isNumbered || !home.startsWith('/')) return undefined;
  return { name, uid: Number(uid), gid: Number(gid), home };
}
