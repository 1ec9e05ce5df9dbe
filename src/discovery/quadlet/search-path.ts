import { type Root, RootError } from '../../root/root.ts';
import { type Etc, followed } from '../../systemd/etc.ts';

/** Where Quadlet looks for the units of the system, and which of it belongs to users. */
export interface SearchPath {
  /** In the order of precedence. */
  readonly system: readonly string[];
  readonly users: readonly string[];
  /** Whether podman's system generator leaves a directory to users. */
  readonly isOfUsers: (realPath: string) => boolean;
}

/**
 * Source: podman 6, pkg/systemd/quadlet/unitdirs.go. By the letter of it the system generator
 * also runs what lies in `/usr/share/containers/systemd/users`; it is for users all the same.
 */
export function searchPath(root: Root, etc: Etc): SearchPath {
  const admin = `${etc}/containers/systemd`;
  const distribution = '/usr/share/containers/systemd';
  const users = [`${admin}/users`, `${distribution}/users`];
  const adminUsers = realPathOf(root, etc, `${admin}/users`);
  return {
    system: ['/run/containers/systemd', admin, distribution],
    users,
    isOfUsers: (path) =>
      // podman compares the beginning of the text, so "users-old" is left out with "users".
      path.startsWith(adminUsers) || isWithin(path, `${distribution}/users`),
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
