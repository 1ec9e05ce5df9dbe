import { closeSync, constants, openSync } from 'node:fs';
import { systemErrorCode } from '../errors.ts';
import { nameToBytes } from './names.ts';

/** A directory of the root that is held open. */
export interface Directory {
  readonly fd: number;
  /** Inside the root, without links: `/` or `/etc/containers`. */
  readonly realPath: string;
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
  /** The least recently used first. */
  readonly #open = new Map<string, Directory>();
  #closed = false;

  /** Takes over the descriptor. */
  constructor(fd: number) {
    this.root = { fd, realPath: '/' };
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

  /** @returns undefined if the name is no longer a directory. */
  open(parent: Directory, name: string): Directory | undefined {
    const realPath = pathOf(parent, name);
    try {
      const flags = O_PATH | constants.O_NOFOLLOW | constants.O_DIRECTORY;
      const directory = { fd: openSync(kernelPath(parent, name), flags), realPath };
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

/** The real path of an entry. */
export function pathOf(directory: Directory, name: string): string {
  return directory.realPath === '/' ? `/${name}` : `${directory.realPath}/${name}`;
}

/**
 * What stands in for openat(2), which Node has not: the kernel goes from the link
 * `/proc/self/fd/N` straight to the open directory (proc(5)). The name is one component.
 */
export function kernelPath(directory: Directory, name: string): string | Buffer {
  const path = `/proc/self/fd/${directory.fd}/${name}`;
  return path.isWellFormed() ? path : nameToBytes(path);
}
