import { posix } from 'node:path';
import { type Root, RootError } from '../../../root/root.ts';
import { type Etc, followed, whereInTree } from '../../../systemd/etc.ts';
import { globbed } from '../../../systemd/glob.ts';
import type { SourceContext } from '../../source.ts';

/** In bytes: a longer file is read this far. */
const longestFile = 1024 * 1024;
/** In bytes: bounds the files of a root together, since each file may have many names. */
const mostBytes = 32 * 1024 * 1024;

/**
 * The files of a root by the paths that the booted root has. A file that can't be read counts as missing: it is
 * not the concern of those who look for images.
 */
export class BootedFiles {
  readonly root: Root;
  readonly etc: Etc;
  #bytes = 0;
  readonly #directories = new Map<string, boolean>();

  constructor({ root, etc }: Pick<SourceContext, 'root' | 'etc'>) {
    this.root = root;
    this.etc = etc;
  }

  /** Whether the limit for the texts of a root is reached: further files are not read. */
  get isSpent(): boolean {
    return this.#bytes > mostBytes;
  }

  /**
   * The path in the tree at which to read a file.
   *
   * @throws {RootError}
   */
  locate(path: string): string {
    return followed(this.root, this.etc, whereInTree(this.etc, path));
  }

  /** The text of a file; undefined if the root does not have it. */
  text(path: string): string | undefined {
    return unlessUnreadable(() => {
      const at = this.locate(path);
      const text = this.isSpent ? undefined : this.root.readStart(at, longestFile)?.toString();
      this.#bytes += text?.length ?? 0;
      return text;
    }, undefined);
  }

  /** The path behind all links; the path itself if the root does not have it. */
  realPath(path: string): string {
    return unlessUnreadable(() => {
      const at = this.root.lookup(this.locate(path))?.realPath ?? path;
      return this.etc !== '/etc' && at.startsWith(`${this.etc}/`) ? at.slice('/usr'.length) : at;
    }, path);
  }

  /** Whether not everybody may read a file. */
  isPrivate(path: string): boolean {
    try {
      this.root.as('public').readStart(this.locate(path), 1);
      return false;
    } catch (error) {
      if (error instanceof RootError) return error.code === 'private';
      throw error;
    }
  }

  /** The files of the root that a pattern of the shell matches. */
  matching(pattern: string): readonly string[] {
    return unlessUnreadable(() => {
      const paths = globbed(this.root, whereInTree(this.etc, pattern)) ?? [];
      return this.etc === '/etc'
        ? paths
        : paths.map((path) => path.replace(/^\/usr\/etc\//, '/etc/'));
    }, []);
  }

  /** The names in a directory, and the directory's path behind all links. */
  namesIn(directory: string): readonly [realPath: string, names: readonly string[]] {
    return unlessUnreadable(() => {
      const realPath = this.root.lookup(directory)?.realPath ?? directory;
      return [realPath, (this.root.list(realPath) ?? []).map(({ name }) => name)];
    }, [directory, []]);
  }

  /**
   * Whether the directory of a path in the tree exists. Remembered, as many services may start programs of one
   * directory.
   *
   * @throws {RootError}
   */
  hasDirectoryOf(at: string): boolean {
    const directory = posix.dirname(at);
    const known = this.#directories.get(directory);
    if (known !== undefined) return known;
    const isThere = this.root.lookup(directory) !== undefined;
    this.#directories.set(directory, isThere);
    return isThere;
  }
}

/** The result of a look into the root, or another one if the root can't be read there. */
export function unlessUnreadable<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch (error) {
    if (error instanceof RootError) return otherwise;
    throw error;
  }
}
