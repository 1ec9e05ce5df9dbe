import { closeSync, type Stats } from 'node:fs';
import { systemErrorCode } from '../common/errors.ts';
import { Directories, type Directory, pathOf } from './directories.ts';
import { entriesOf } from './listing.ts';
import { isForeign, isReadableByEverybody } from './ownership.ts';
import {
  keepsChanging,
  notADirectory,
  notAFile,
  notForEverybody,
  unreadable,
  userWritable,
} from './read-error.ts';
import { type OpenRegular, openRegular, readStartOf, readWhole } from './regular-file.ts';
import {
  type Entry,
  type Found,
  type FoundFile,
  isOfOs,
  type OpenFile,
  type Root,
  RootError,
  type View,
} from './root.ts';
import { foreignAt, linkText, maxChanges, type Reached, walk } from './walk.ts';

const defaultMaxBytes = 1024 * 1024;

interface ListedFile {
  readonly kind: 'file';
  readonly directory: Directory;
  readonly name: string;
}

/** An open regular file and its real path. */
interface ReachedFile extends OpenRegular {
  readonly realPath: string;
  readonly isPrivate: boolean;
}

/**
 * A root read from an open directory. Listings of directories are kept as long as their descriptors
 * are open, so parts of a tree that changes meanwhile may be seen in their earlier state.
 */
export class DirectoryRoot implements Root {
  readonly location: string;
  readonly #directories: Directories;
  readonly #view: View;

  constructor(directories: Directories, location: string, view: View) {
    this.location = location;
    this.#directories = directories;
    this.#view = view;
  }

  as(view: View): Root {
    return new DirectoryRoot(this.#directories, this.location, view);
  }

  lookup(path: string): Found | undefined {
    return this.#reading(path, () => {
      const reached = this.#walk(path, 'follow');
      if (reached === undefined || reached.kind === 'link') return undefined;
      if (reached.kind === 'file' && this.#view === 'public' && isPrivate(reached)) {
        throw notForEverybody(path);
      }
      const foreign = reached.kind === 'directory' ? reached.directory.foreign : reached.foreign;
      const found = { realPath: realPathOf(reached), kind: reached.kind };
      return foreign === undefined ? found : { ...found, foreign };
    });
  }

  list(path: string): readonly Entry[] | undefined {
    return this.#reading(path, () => {
      const reached = this.#walk(path, 'follow');
      if (reached === undefined) return undefined;
      if (reached.kind !== 'directory') throw notADirectory(path, reached.stats);
      return entriesOf(reached.directory, path);
    });
  }

  readFile(path: string, maxBytes: number = defaultMaxBytes): FoundFile | undefined {
    return this.#withFile(path, (file) => {
      const { realPath, isPrivate } = file;
      return { realPath, content: readWhole(file, path, maxBytes), isPrivate };
    });
  }

  readStart(path: string, bytes: number): Buffer | undefined {
    return this.#withFile(path, (file) => readStartOf(file, bytes));
  }

  openFile(path: string): OpenFile | undefined {
    return this.#reading(path, () => {
      const file = this.#open(path);
      return file && { fd: file.fd, size: file.size };
    });
  }

  readLink(path: string): string | undefined {
    return this.#reading(path, () => {
      const reached = this.#walk(path, 'stay');
      return reached?.kind === 'link' ? linkText(reached.directory, reached.name) : undefined;
    });
  }

  close(): void {
    this.#directories.close();
  }

  #walk(path: string, last: 'follow' | 'stay'): Reached | undefined {
    return walk(this.#directories, path, last, this.#view);
  }

  #withFile<T>(path: string, use: (file: ReachedFile) => T): T | undefined {
    return this.#reading(path, () => {
      const file = this.#open(path);
      if (file === undefined) return undefined;
      try {
        return use(file);
      } finally {
        closeSync(file.fd);
      }
    });
  }

  /** Opens a regular file; the caller closes its descriptor. */
  #open(path: string): ReachedFile | undefined {
    for (let changes = 0; changes <= maxChanges; changes++) {
      const reached = this.#listedFile(path) ?? this.#walk(path, 'follow');
      if (reached === undefined) return undefined;
      if (reached.kind === 'directory') throw notAFile(path, 'a directory');
      if (reached.kind !== 'file') throw notAFile(path, reached.stats);
      const { directory, name } = reached;
      const file = openRegular(directory, name, path);
      if (file !== undefined) return this.#judged(file, directory, name, path);
      delete directory.files;
    }
    throw keepsChanging(path);
  }

  /**
   * Checks the owner and mode of a file that is already open: the name may lead to another file by
   * now. Closes the file if it is refused.
   */
  #judged(file: OpenRegular, directory: Directory, name: string, path: string): ReachedFile {
    const { stats } = file;
    const isHidden = isPrivate({ directory, stats });
    const refusal = this.#refusal(stats, directory, name, path, isHidden);
    if (refusal === undefined) {
      return { ...file, realPath: pathOf(directory, name), isPrivate: isHidden };
    }
    closeSync(file.fd);
    throw refusal;
  }

  #refusal(
    stats: Stats,
    directory: Directory,
    name: string,
    path: string,
    isHidden: boolean,
  ): RootError | undefined {
    if (isOfOs(this.#view) && isForeign(stats, this.#directories.trusted)) {
      return userWritable(path, foreignAt(directory, name, stats));
    }
    return this.#view === 'public' && isHidden ? notForEverybody(path) : undefined;
  }

  /**
   * Finds a file in a directory that was listed before. Skipping the walk and the look at the file
   * saves a third of the time for small files.
   */
  #listedFile(path: string): ListedFile | undefined {
    const slash = path.lastIndexOf('/');
    const directory = this.#directories.known(path.slice(0, slash) || '/');
    const name = path.slice(slash + 1);
    if (directory?.files?.has(name) !== true) return undefined;
    if (directory.foreign !== undefined && isOfOs(this.#view)) return undefined;
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

/** Whether an error means that no file has the name: it can't exist, or vanished during the walk. */
const nothingThere: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG']);

/** Whether some users may not read the file. */
function isPrivate({ directory, stats }: { directory: Directory; stats: Stats }): boolean {
  return directory.isPrivate || !isReadableByEverybody(stats);
}

function realPathOf(reached: Reached): string {
  if (reached.kind === 'directory') return reached.directory.realPath;
  return pathOf(reached.directory, reached.name);
}
