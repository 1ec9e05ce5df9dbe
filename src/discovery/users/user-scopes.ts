import { posix } from 'node:path';
import { problemOf } from '../../root/problem-of.ts';
import { type Entry, type Root, RootError } from '../../root/root.ts';
import { followed, whereInTree } from '../../systemd/etc.ts';
import type { OwnDirectories } from '../../systemd/unit-search-path.ts';
import type { Problem } from '../problem.ts';
import { usersDirectories } from '../quadlet/search-path.ts';
import type { SourceContext } from '../source.ts';
import { type Account, uidOf } from './accounts.ts';

/** A user for whom a root has units that other users do not have. */
export interface UserScope {
  readonly uid: number;
  /** The user's entry in passwd, if there is one. */
  readonly account?: Account;
  /** The user's own directories, if there are units in them. */
  readonly own?: OwnDirectories;
}

/** The users whose units are read, and whether there may be units for all users. */
export interface UserScopes {
  /** Whether there may be Quadlet units for all users. */
  readonly isCommon: boolean;
  readonly users: readonly UserScope[];
  readonly problems: readonly Problem[];
}

/**
 * The most users that are read, more than any OS image has: for each, all units for users are read
 * again.
 */
const maxUsers = 100;

/**
 * The users that have units of their own, sorted by UID.
 *
 * @param self a user who is left out, because this user's units are read with other rights.
 */
export function userScopes(context: SourceContext, self?: number): UserScopes {
  const { etc, accounts, extensions } = context;
  const problems: Problem[] = [...accounts.problems];
  const scopes = new Map<number, UserScope>();
  const own: Account[] = [];
  for (const account of accounts.byUid.values()) {
    if (account.uid === self) continue;
    if (hasUnitsOfItsOwn(context, account)) own.push(account);
    const configuration = configurationOf(context, account, problems);
    if (configuration === undefined) continue;
    scopes.set(account.uid, { uid: account.uid, account, own: { configuration } });
  }
  if (own.length > 0) problems.push(notOfOs(context, own));
  let isCommon = false;
  for (const directory of usersDirectories(etc, extensions)) {
    const entries = entriesOf(context, directory);
    isCommon ||= entries === undefined || entries.length > 0;
    for (const { name } of entries ?? []) {
      const uid = uidOf(name);
      if (uid === undefined || uid === self || scopes.has(uid)) continue;
      const account = accounts.byUid.get(uid);
      scopes.set(uid, { uid, ...(account === undefined ? {} : { account }) });
    }
  }
  const users = [...scopes.values()].sort((a, b) => a.uid - b.uid);
  if (users.length > maxUsers) problems.push(tooMany(etc, users.length));
  return { isCommon, users: users.slice(0, maxUsers), problems };
}

/**
 * The configuration directory below a user's home; undefined for service accounts without a home.
 */
function configurationPath({ etc }: SourceContext, { home }: Account): string | undefined {
  const place = posix.normalize(home);
  if (!place.startsWith('/') || place === '/' || place === '/nonexistent') return undefined;
  return posix.join(whereInTree(etc, place), '.config');
}

/**
 * Whether a user has units in directories that others than root may write. None of them is read,
 * and no link is followed: a user could make a link to learn whether some file of root's exists.
 */
function hasUnitsOfItsOwn(context: SourceContext, account: Account): boolean {
  const configuration = configurationPath(context, account);
  if (configuration === undefined) return false;
  const { root } = context;
  const present = root.as('present');
  const isThere = (path: string) =>
    attempt(() => present.lookup(path)?.foreign) !== undefined ||
    // A link that the user made is not followed: there may be units behind it.
    (attempt(() => present.readLink(path)) !== undefined && isUserWritable(root, path));
  return (
    isThere(`${configuration}/systemd`) ||
    isThere(`${configuration}/containers/systemd`) ||
    [configuration, `${configuration}/containers`].some(
      (path) => attempt(() => present.readLink(path)) !== undefined && isThere(path),
    )
  );
}

/** @returns undefined also if the path can't be read; the home is not looked into further then. */
function attempt<T>(read: () => T | undefined): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof RootError) return undefined;
    throw error;
  }
}

function isUserWritable(root: Root, path: string): boolean {
  try {
    root.readLink(path);
    return false;
  } catch (error) {
    if (error instanceof RootError) return error.code === 'user-writable';
    throw error;
  }
}

function configurationOf(
  context: SourceContext,
  account: Account,
  problems: Problem[],
): string | undefined {
  const { root, etc } = context;
  const path = configurationPath(context, account);
  if (path === undefined) return undefined;
  try {
    if (root.lookup(followed(root, etc, path)) === undefined) return undefined;
    const hasUnits = ['containers/systemd', 'systemd'].some(
      (name) => root.lookup(followed(root, etc, `${path}/${name}`)) !== undefined,
    );
    return hasUnits ? path : undefined;
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    // A home such as `/dev/null` is none. User-writable homes are reported once, for all users.
    if (error.code !== 'not-a-directory' && error.code !== 'user-writable') {
      // Only a note: by making the home unreadable, a user must not keep the OS from being ready.
      problems.push({ ...problemOf(error), note: true });
    }
    return undefined;
  }
}

function notOfOs(context: SourceContext, accounts: readonly Account[]): Problem {
  const names = accounts.slice(0, 5).map(({ name }) => name);
  const more = accounts.length > names.length ? ` and ${accounts.length - names.length} more` : '';
  const [first] = accounts;
  const path = (first && configurationPath(context, first)) ?? '/';
  return {
    code: 'user-writable',
    path,
    message: `expected units that only root can write, found some in the home of ${names.join(', ')}${more}: they belong to the users and are not part of the OS, so berth does not read them here, and they never keep the OS from being ready`,
    hint: `each of these users can stage their own by \`berth stage --user\`; units that the OS has for users belong in ${context.etc}/containers/systemd/users or /usr/share/containers/systemd/users`,
    note: true,
  };
}

/** @returns undefined if the directory can't be read; reading its units later reports the error. */
function entriesOf({ root, etc }: SourceContext, directory: string): readonly Entry[] | undefined {
  try {
    return root.list(followed(root, etc, directory)) ?? [];
  } catch (error) {
    if (error instanceof RootError) return undefined;
    throw error;
  }
}

function tooMany(etc: string, found: number): Problem {
  const path = `${etc}/containers/systemd/users`;
  return {
    code: 'too-many-entries',
    path,
    message: `expected at most ${maxUsers} users with units of their own, found ${found}`,
    hint: `put units that all of them run directly in ${path}`,
    subject: { unitPath: path, unit: path },
  };
}
