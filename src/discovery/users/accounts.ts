import { problemOf } from '../../root/problem-of.ts';
import { type Root, RootError } from '../../root/root.ts';
import type { Etc } from '../../systemd/etc.ts';
import type { Problem } from '../problem.ts';

/** A user in a root's own passwd. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
  readonly home: string;
  readonly shell: string;
}

/** The users of a root. Of several entries with one UID, or with one name, the first counts. */
export interface Accounts {
  readonly byUid: ReadonlyMap<number, Account>;
  readonly byName: ReadonlyMap<string, Account>;
  /** The problems of files that could not be read: some users are not known then. */
  readonly problems: readonly Problem[];
}

/** The most users that are read, more than any OS image has: each costs lookups in a home. */
const maxAccounts = 1_000;

/** The largest valid UID: the next one, all 32 bits set, means "none" (credentials(7)). */
const maxUid = 4_294_967_294;

/**
 * Reads the users of a root, those in `/etc/passwd` first.
 *
 * Source: passwd(5); nss-altfiles for `/usr/lib/passwd`.
 */
export function readAccounts({ root, etc }: { readonly root: Root; readonly etc: Etc }): Accounts {
  const byUid = new Map<number, Account>();
  const byName = new Map<string, Account>();
  const problems: Problem[] = [];
  for (const path of [`${etc}/passwd`, '/usr/lib/passwd']) {
    try {
      for (const line of root.readFile(path)?.content.toString().split('\n') ?? []) {
        const account = accountOf(line);
        if (account === undefined || byName.has(account.name)) continue;
        if (byName.size === maxAccounts) {
          problems.push(tooMany(path));
          return { byUid, byName, problems };
        }
        byName.set(account.name, account);
        if (!byUid.has(account.uid)) byUid.set(account.uid, account);
      }
    } catch (error) {
      if (!(error instanceof RootError)) throw error;
      // Users that are not known may have units in their homes, so the problem has a subject.
      problems.push({ ...problemOf(error), subject: { unitPath: path, unit: path } });
    }
  }
  return { byUid, byName, problems };
}

/**
 * Parses a UID.
 *
 * @returns undefined unless the text is a valid UID in plain decimal form.
 */
export function uidOf(text: string): number | undefined {
  const uid = /^(?:0|[1-9][0-9]{0,9})$/.test(text) ? Number(text) : maxUid + 1;
  return uid <= maxUid ? uid : undefined;
}

function accountOf(line: string): Account | undefined {
  const [name = '', , uidText = '', gidText = '', , home = '', shell = ''] = line.split(':', 7);
  const uid = uidOf(uidText);
  const gid = uidOf(gidText);
  if (name === '' || uid === undefined || gid === undefined) return undefined;
  return { uid, gid, name, home, shell: shell.trim() };
}

function tooMany(path: string): Problem {
  return {
    code: 'too-many-entries',
    path,
    message: `expected at most ${maxAccounts} users, found more`,
    hint: 'put units for users whom the root does not know in /etc/containers/systemd/users',
    subject: { unitPath: path, unit: path },
  };
}
