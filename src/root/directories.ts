import { closeSync, constants, fstatSync, openSync, statfsSync } from 'node:fs';
import { systemErrorCode } from '../common/errors.ts';
import { nameToBytes } from '../common/path-bytes.ts';
import {
  type Foreign,
  isForeign,
  isSearchableByEverybody,
  isShared,
  type Ownership,
  reader,
  type Trusted,
} from './ownership.ts';
import { madeByKernel } from './read-error.ts';
import { readUserMounts, type UserMounts } from './user-mounts.ts';

/** An open directory and its name. */
export interface Named {
  readonly fd: number;
  /** The path inside the root, with no link in it: `/` or `/etc/containers`. */
  readonly realPath: string;
}

/** A directory of the root whose descriptor stays open. */
export interface Directory extends Named {
  /** The first directory on the way, this one included, that others than root may write. */
  readonly foreign?: Foreign | undefined;
  /**
   * The result of `isShared`. In a shared directory `foreign` applies to the directory itself and to
   * its entries that are no directories.
   */
  readonly isShared: boolean;
  /** The device of the file system (st_dev). */
  readonly device: number;
  /** True if not everybody may enter: because of this directory or one above it. */
  readonly isPrivate: boolean;
  /** The names of the regular files, as of the last listing. */
  files?: ReadonlySet<string>;
}

/**
 * The flag of open(2) for a descriptor that only names a file: opening needs no permission to read
 * and touches no content.
 */
export const O_PATH = 0o10000000;

/** If every directory is listed and full, their names take about 125 MB. */
const maxIdle = 32;

/**
 * The open directories of one root, by real path. Each was opened by name from its parent's
 * descriptor, and only as a real directory. So a path with an entry here leads through no link.
 * If a directory is replaced later, its descriptor is stale at worst, and never leads elsewhere.
 */
export class Directories {
  readonly root: Directory;
  readonly trusted: Trusted = reader();
  /** In the order of their last use, the oldest first. */
  readonly #open = new Map<string, Directory>();
  /** The last one in `#open`: a directory is mostly asked for once for each file in it. */
  #latest: Directory | undefined;
  #closed = false;

  readonly #mounts: UserMounts;
  readonly #prefix: string;

  /**
   * Takes over the descriptor and closes it in the end.
   *
   * @param location the path of the root; any other text if it has none.
   */
  constructor(fd: number, location: string) {
    this.#mounts = readUserMounts();
    this.#prefix = location.replace(/\/$/, '');
    const stats = fstatSync(fd);
    const foreign = isForeign(stats, this.trusted) ? { ...ownership(stats), path: '/' } : undefined;
    // Who may enter the top directory is decided by where the tree lies now, not by the OS.
    this.root = {
      fd,
      realPath: '/',
      foreign,
      isShared: false,
      device: stats.dev,
      isPrivate: false,
    };
  }

  /**
   * The user whose program serves the file system that is mounted at an entry. Such an entry must not
   * even be looked at: the program may never answer.
   */
  mountedBy(parent: Directory, name: string): Foreign | undefined {
    if (this.#mounts.byPath.size === 0) return undefined;
    const path = pathOf(parent, name);
    const uid = this.#mounts.byPath.get(this.#prefix + path);
    if (uid === undefined || uid === this.trusted.uid) return undefined;
    return { uid, gid: uid, mode: 0, path };
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The open directory with this real path. */
  known(realPath: string): Directory | undefined {
    if (realPath === '/') return this.root;
    if (this.#latest?.realPath === realPath) return this.#latest;
    const directory = this.#open.get(realPath);
    if (directory === undefined) return undefined;
    this.#open.delete(realPath);
    this.#open.set(realPath, directory);
    this.#latest = directory;
    return directory;
  }

  /**
   * Opens a directory by its name in an open one.
   *
   * @param path the name of the directory in errors.
   * @returns undefined if the name is no longer a directory.
   * @throws {RootError} `not-a-file` for a file system that shows the state of the kernel or of
   * processes, such as procfs: none of its files is a file of the OS.
   */
  open(parent: Directory, name: string, path: string): Directory | undefined {
    const realPath = pathOf(parent, name);
    try {
      const flags = O_PATH | constants.O_NOFOLLOW | constants.O_DIRECTORY;
      const fd = openSync(kernelPath(parent, name), flags);
      const stats = fstatSync(fd);
      // A mounted file system has owners of its own, so the parent's sharing does not apply to it.
      const isMount = stats.dev !== parent.device;
      if (isMount && isKernels(fd)) {
        closeSync(fd);
        throw madeByKernel(path);
      }
      // A file system that was mounted after the root was opened is found by its device.
      const user = isMount ? readUserMounts().byDevice.get(stats.dev) : undefined;
      const owner = user === undefined ? ownership(stats) : { uid: user, gid: user, mode: 0 };
      const own = isForeign(owner, this.trusted) ? { ...owner, path: realPath } : undefined;
      const inherited = parent.isShared && !isMount ? undefined : parent.foreign;
      const directory = {
        fd,
        realPath,
        foreign: inherited ?? own,
        isShared: inherited === undefined && isShared(stats),
        device: stats.dev,
        isPrivate: parent.isPrivate || !isSearchableByEverybody(stats),
      };
      this.#open.set(realPath, directory);
      this.#latest = directory;
      return directory;
    } catch (error) {
      // With O_PATH and O_DIRECTORY a link is ENOTDIR too.
      if (['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? '')) return undefined;
      throw error;
    }
  }

  /**
   * Closes the directories that have not been used for longest. Call it before a walk: directories
   * of a walk under way must stay open.
   */
  trim(): void {
    for (const directory of this.#open.values()) {
      if (this.#open.size <= maxIdle) return;
      this.#open.delete(directory.realPath);
      closeSync(directory.fd);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { fd } of this.#open.values()) closeSync(fd);
    this.#open.clear();
    this.#latest = undefined;
    closeSync(this.root.fd);
  }
}

/** Source: linux/magic.h. */
const kernels: ReadonlySet<number> = new Set([
  0x9fa0, // proc
  0x62656572, // sysfs
  0x64626720, // debugfs
  0x74726163, // tracefs
  0x73636673, // securityfs
  0x27e0eb, // cgroup
  0x63677270, // cgroup2
  0x6165676c, // pstore
  0xcafe4a11, // bpf
  0xde5e81e4, // efivarfs
]);

function isKernels(fd: number): boolean {
  return kernels.has(statfsSync(`/proc/self/fd/${fd}`).type);
}

function ownership({ uid, gid, mode }: Ownership): Ownership {
  return { uid, gid, mode };
}

/** The real path of an entry of a directory. */
export function pathOf(directory: Named, name: string): string {
  return directory.realPath === '/' ? `/${name}` : `${directory.realPath}/${name}`;
}

/**
 * A path that replaces openat(2), which Node does not have: the kernel follows the link
 * `/proc/self/fd/N` straight to the open directory (proc(5)).
 *
 * @param name a single path component.
 */
export function kernelPath(directory: Named, name: string): string | Buffer {
  const path = `/proc/self/fd/${directory.fd}/${name}`;
  return path.isWellFormed() ? path : nameToBytes(path);
}
