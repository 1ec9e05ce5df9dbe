import { type Root, RootError } from '../../root/root.ts';
import { type Extensions, noExtensions, overlaid } from '../../systemd/at-boot/extensions.ts';
import { type Etc, followed } from '../../systemd/etc.ts';
import type { OwnDirectories } from '../../systemd/unit-search-path.ts';
import type { Skipped } from './walk.ts';

/** The places where Quadlet looks for the units of one manager. */
export interface SearchPath {
  /** The search directories in the order of precedence. */
  readonly directories: readonly string[];
  /** Says which directories below them are left out. */
  readonly skipped: Skipped;
}

const distribution = '/usr/share/containers/systemd';

/**
 * The search path of the system's manager.
 *
 * Source: podman 6, pkg/systemd/quadlet/unitdirs.go. By that code the system's generator would also
 * read `/usr/share/containers/systemd/users`, but the directory is meant for users only.
 */
export function systemSearchPath(
  root: Root,
  etc: Etc,
  extensions: Extensions = noExtensions,
): SearchPath {
  const admin = `${etc}/containers/systemd`;
  const adminUsers = realPathOf(root, etc, `${admin}/users`);
  const own = ['/run/containers/systemd', admin, distribution];
  return {
    directories: own.flatMap((path) => overlaid(path, etc, extensions)),
    skipped: (path, start) =>
      (!own.includes(start) && isWithin(path, `${start}/users`)) ||
      // podman compares only the beginning of the path, so "users-old" is left out, too.
      path.startsWith(adminUsers) ||
      isWithin(path, `${distribution}/users`),
  };
}

/** The directories of units for all users; directories in them named by a UID are for one user. */
export function usersDirectories(
  etc: Etc,
  extensions: Extensions = noExtensions,
): readonly string[] {
  return [`${etc}/containers/systemd/users`, `${distribution}/users`].flatMap((path) =>
    overlaid(path, etc, extensions),
  );
}

/**
 * The search path of a user's manager: the user's own directories, then in each place the units
 * for all users before those for this user.
 *
 * Source: podman 6, pkg/systemd/quadlet/unitdirs.go, `getRootlessDirs`.
 *
 * @param user absent for the search path that all users have in common.
 */
export function userSearchPath(
  root: Root,
  etc: Etc,
  extensions?: Extensions,
  user?: { readonly uid: number; readonly own?: OwnDirectories },
): SearchPath {
  const common = usersDirectories(etc, extensions);
  const real = new Map(common.map((path) => [path, realPathOf(root, etc, path)]));
  const { runtime, configuration } = user?.own ?? {};
  const own = [runtime, configuration].flatMap((directory) =>
    directory === undefined ? [] : [`${directory}/containers/systemd`],
  );
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
    // Reading the users' units later fails with the same error, which is reported there.
    if (error instanceof RootError) return path;
    throw error;
  }
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}
