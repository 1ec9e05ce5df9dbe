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

/** A directory that is open, and what it is called. */
export interface Named {
  readonly fd: number;
  /** Inside the root, without links: `/` or `/etc/containers`. */
  readonly realPath: string;
}

/** A directory of the root that is held open. */
export interface Directory extends Named {
  /** Where others than root may write: it itself, or a directory above it. */
  readonly foreign?: Foreign | undefined;
  /** As `isShared` says; then `foreign` counts for itself and what is no directory in it. */
  readonly isShared: boolean;
  /** The device of its file system (st_dev). */
  readonly device: number;
  /** Not everybody may enter it: because of itself, or a directory above it. */
  readonly isPrivate: boolean;
  /** The regular files it had when it was last listed. */
  files?: ReadonlySet<string>;
}

/** open(2). Only names the directory: neither its permission to be read is needed nor its content. */
export const O_PATH = 0o10000000;

/** Worst case, with every one listed and full: about 125 MB of names. */
const maxIdle = 32;

/**
 * The open directories of one root, by real path. Each was opened as a real directory by name
 * from its parent's descriptor, so a path that has an entry here leads through no link, and what
 * is swapped later changes nothing of what was opened: it is stale at worst, never elsewhere.
 */
export class Directories {
  readonly root: Directory;
  readonly trusted: Trusted = reader();
  /** The least recently used first. */
  readonly #open = new Map<string, Directory>();
  #closed = false;

  readonly #mounts: UserMounts;
  readonly #prefix: string;

  /**
   * Takes over the descriptor.
   *
   * @param location where the root lies, as far as that is a path.
   */
  constructor(fd: number, location: string) {
    this.#mounts = readUserMounts();
    this.#prefix = location.replace(/\/$/, '');
    const stats = fstatSync(fd);
    const foreign = isForeign(stats, this.trusted) ? { ...ownership(stats), path: '/' } : undefined;
    // The top's own permission to enter is that of the place where the tree lies now, not of the OS.
    this.root = {
      fd,
      realPath: '/',
      foreign,
      isShared: false,
      device: stats.dev,
      isPrivate: false,
    };
  }

  /** The user who answers for what is mounted at an entry; it must not be looked at then. */
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

  /** The directory of this real path, if it is open. */
  known(realPath: string): Directory | undefined {
    if (realPath === '/') return this.root;
    const directory = this.#open.get(realPath);
    if (directory === undefined) return undefined;
    this.#open.delete(realPath);
    this.#open.set(realPath, directory);
    return directory;
  }

  /**
   * @param path how errors call it.
   * @returns undefined if the name is no longer a directory.
   * @throws {RootError} `not-a-file` for a file system in which the kernel tells of itself and of
   * processes: whatever cites such a file means no file of the OS.
   */
  open(parent: Directory, name: string, path: string): Directory | undefined {
    const realPath = pathOf(parent, name);
    try {
      const flags = O_PATH | constants.O_NOFOLLOW | constants.O_DIRECTORY;
      const fd = openSync(kernelPath(parent, name), flags);
      const stats = fstatSync(fd);
      // Whoever mounts a file system says who owns what is in it.
      const isMount = stats.dev !== parent.device;
      if (isMount && isKernels(fd)) {
        closeSync(fd);
        throw madeByKernel(path);
      }
      // A mount that came after the root was opened is told by its device.
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
      return directory;
    } catch (error) {
      // O_PATH with O_DIRECTORY says ENOTDIR of a link too.
      if (['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? '')) return undefined;
      throw error;
    }
  }

  /** Closes what was not used for longest. For the start of a walk: all of a walk stays open. */
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

/** The real path of an entry. */
export function pathOf(directory: Named, name: string): string {
  return directory.realPath === '/' ? `/${name}` : `${directory.realPath}/${name}`;
}

/**
 * What stands in for openat(2), which Node has not: the kernel goes from the link
 * `/proc/self/fd/N` straight to the open directory (proc(5)). The name is one component.
 */
export function kernelPath(directory: Named, name: string): string | Buffer {
  const path = `/proc/self/fd/${directory.fd}/${name}`;
  return path.isWellFormed() ? path : nameToBytes(path);
}
