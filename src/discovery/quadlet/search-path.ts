import { type Root, RootError } from '../../root/root.ts';
import { type Etc, followed } from '../../systemd/etc.ts';
import type { Skipped } from './walk.ts';

/** Where Quadlet looks for the units of one manager. */
export interface SearchPath {
  /** In the order of precedence. */
  readonly directories: readonly string[];
  /** What is left out of them. */
  readonly skipped: Skipped;
}

const distribution = '/usr/share/containers/systemd';

/**
 * Source: podman 6, pkg/systemd/quadlet/unitdirs.go. By the letter of it the system generator
 * also runs what lies in `/usr/share/containers/systemd/users`; it is for users all the same.
 */
export function systemSearchPath(root: Root, etc: Etc): SearchPath {
  const admin = `${etc}/containers/systemd`;
  const adminUsers = realPathOf(root, etc, `${admin}/users`);
  return {
    directories: ['/run/containers/systemd', admin, distribution],
    skipped: (path) =>
      // podman compares the beginning of the text, so "users-old" is left out with "users".
      path.startsWith(adminUsers) || isWithin(path, `${distribution}/users`),
  };
}

/** The directories of the units that are every user's, those that a UID names within them. */
export function usersDirectories(etc: Etc): readonly string[] {
  return [`${etc}/containers/systemd/users`, `${distribution}/users`];
}

/**
 * What a user's generator reads: its own configuration, then of each place what is every user's
 * before what is that user's alone.
 *
 * Source: as above, `getRootlessDirs`.
 *
 * @param user absent for what every user has.
 */
export function userSearchPath(
  root: Root,
  etc: Etc,
  user?: { readonly uid: number; readonly configuration?: string },
): SearchPath {
  const common = usersDirectories(etc);
  const real = new Map(common.map((path) => [path, realPathOf(root, etc, path)]));
  const own = user?.configuration === undefined ? [] : [`${user.configuration}/containers/systemd`];
  return {
    directories: [
      ...own,
      ...common.flatMap((path) => (user === undefined ? [path] : [path, `${path}/${user.uid}`])),
    ],
    skipped: (path, start) => {
      const directory = real.get(start);
      if (directory === undefined || !path.startsWith(`${directory}/`)) return false;
      return /^[0-9]*$/.test(path.slice(directory.length + 1).split('/', 1)[0] ?? '');
    },
  };
}

function realPathOf(root: Root, etc: Etc, path: string): string {
  try {
    return root.lookup(followed(root, etc, path))?.realPath ?? path;
  } catch (error) {
    // Whoever reads the users' units meets the same error, and reports it.
    if (error instanceof RootError) return path;
    throw error;
  }
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}
