import { systemErrorCode } from '../errors.ts';
import { Directories, type Directory, pathOf } from './directories.ts';
import { entriesOf } from './listing.ts';
import { keepsChanging, notADirectory, notAFile, unreadable } from './read-error.ts';
import { openRegular, readRegular, readStartOf } from './regular-file.ts';
import {
  type Entry,
  type Found,
  type FoundFile,
  type OpenFile,
  type Root,
  RootError,
} from './root.ts';
import { linkText, maxChanges, type Reached, walk } from './walk.ts';

const defaultMaxBytes = 1024 * 1024;

interface ListedFile {
  readonly kind: 'file';
  readonly directory: Directory;
  readonly name: string;
}

/**
 * A root behind an open directory. What was read of its directories once is kept for as long as
 * their descriptors are: a tree that changes meanwhile may be seen in part as it was before.
 */
export class DirectoryRoot implements Root {
  readonly location: string;
  readonly #directories: Directories;

  /** @param fd of a directory, O_PATH will do; the root closes it. */
  constructor(fd: number, location: string) {
    this.location = location;
    this.#directories = new Directories(fd);
  }

  lookup(path: string): Found | undefined {
    return this.#reading(path, () => {
      const reached = walk(this.#directories, path, 'follow');
      if (reached === undefined || reached.kind === 'link') return undefined;
      return { realPath: realPathOf(reached), kind: reached.kind };
    });
  }

  list(path: string): readonly Entry[] | undefined {
    return this.#reading(path, () => {
      const reached = walk(this.#directories, path, 'follow');
      if (reached === undefined) return undefined;
      if (reached.kind !== 'directory') throw notADirectory(path, reached.stats);
      return entriesOf(reached.directory, path);
    });
  }

  readFile(path: string, maxBytes: number = defaultMaxBytes): FoundFile | undefined {
    return this.#reading(path, () => {
      for (let changes = 0; changes <= maxChanges; changes++) {
        const file = this.#listedFile(path) ?? walk(this.#directories, path, 'follow');
        if (file === undefined) return undefined;
        if (file.kind === 'directory') throw notAFile(path, 'a directory');
        if (file.kind !== 'file') throw notAFile(path, file.stats);
        const content = readRegular(file.directory, file.name, path, maxBytes);
        if (content !== undefined) return { realPath: realPathOf(file), content };
        delete file.directory.files;
      }
      throw keepsChanging(path);
    });
  }

  readStart(path: string, bytes: number): Buffer | undefined {
    return this.#reading(path, () => {
      const reached = walk(this.#directories, path, 'follow');
      if (reached === undefined) return undefined;
      if (reached.kind === 'directory') throw notAFile(path, 'a directory');
      if (reached.kind !== 'file') throw notAFile(path, reached.stats);
      return readStartOf(reached.directory, reached.name, path, bytes);
    });
  }

  openFile(path: string): OpenFile | undefined {
    return this.#reading(path, () => {
      const reached = walk(this.#directories, path, 'follow');
      if (reached === undefined) return undefined;
      if (reached.kind === 'directory') throw notAFile(path, 'a directory');
      if (reached.kind !== 'file') throw notAFile(path, reached.stats);
      return openRegular(reached.directory, reached.name, path);
    });
  }

  readLink(path: string): string | undefined {
    return this.#reading(path, () => {
      const reached = walk(this.#directories, path, 'stay');
      return reached?.kind === 'link' ? linkText(reached.directory, reached.name) : undefined;
    });
  }

  close(): void {
    this.#directories.close();
  }

  /** Saves the walk and a look at the file, which is a third of the time that small files take. */
  #listedFile(path: string): ListedFile | undefined {
    const slash = path.lastIndexOf('/');
    const directory = this.#directories.known(path.slice(0, slash) || '/');
    const name = path.slice(slash + 1);
    if (directory?.files?.has(name) !== true) return undefined;
    return { kind: 'file', directory, name };
  }

  #reading<T>(path: string, read: () => T): T | undefined {
    if (this.#directories.closed) throw new Error(`the root ${this.location} is closed already`);
    try {
      return read();
    } catch (error) {
      const code = systemErrorCode(error);
      if (error instanceof RootError || code === undefined) throw error;
      if (nothingThere.has(code)) return undefined;
      throw unreadable(path, code, error);
    }
  }
}

/** A name that no file can have, or one that went between two looks at it. */
const nothingThere: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG']);

function realPathOf(reached: Reached | ListedFile): string {
  if (reached.kind === 'directory') return reached.directory.realPath;
  return pathOf(reached.directory, reached.name);
}
