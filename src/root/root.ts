import { BerthError } from '../common/errors.ts';
import type { Foreign } from './ownership.ts';

/**
 * An OS file tree whose content is hostile input. Reading is synchronous, because that reads a thousand
 * small files several times faster. It never leaves the root, never runs or trusts anything in it, never
 * hangs, and always has a bound.
 *
 * Paths are absolute inside the root (`/usr/lib/berth`). Names whose bytes are not UTF-8 come as
 * strings in which each such byte 0xNN is the lone surrogate U+DCNN (as Python's
 * `surrogateescape`), so every name makes the round trip to the kernel; `displayPath` shows them
 * as `\xNN`.
 *
 * Files that others than root may write are no part of the OS. Unless the view says otherwise, a read
 * on whose way such a file or directory lies fails with `user-writable`, whatever lies behind it.
 */
export interface Root {
  /** The name of the root in messages and records: its real path, or `fd:3`. */
  readonly location: string;

  /** The same tree in another view. All views of a root are closed together. */
  as(view: View): Root;

  /**
   * Looks up the file at `path`, following links inside the root.
   *
   * @returns undefined if nothing is there, and for a dangling link.
   * @throws {RootError}
   */
  lookup(path: string): Found | undefined;

  /**
   * The entries of a directory, sorted by the bytes of their names, without `.` and `..`.
   *
   * @returns undefined if nothing is there.
   * @throws {RootError} `not-a-directory`, `too-many-entries`, or as every read.
   */
  list(path: string): readonly Entry[] | undefined;

  /**
   * Reads a regular file completely.
   *
   * @param maxBytes 1 MiB by default. A larger file is the error `too-large`, and never cut.
   * @returns undefined if nothing is there.
   * @throws {RootError} `not-a-file` for a directory, FIFO, socket or device.
   */
  readFile(path: string, maxBytes?: number): FoundFile | undefined;

  /**
   * The first bytes of a regular file; fewer only if the file is shorter.
   *
   * @returns undefined if nothing is there.
   * @throws {RootError} as `readFile`, but never `too-large`.
   */
  readStart(path: string, bytes: number): Buffer | undefined;

  /**
   * Opens a regular file of any size for reading; the caller closes it.
   *
   * @returns undefined if nothing is there, or if the root keeps no contents.
   * @throws {RootError} as `readFile`, but never `too-large`.
   */
  openFile(path: string): OpenFile | undefined;

  /** The target of the link at `path`; undefined if there is no link at `path`. */
  readLink(path: string): string | undefined;

  /** Closes every descriptor. After that the root can't be read any more. */
  close(): void;
}

/**
 * The part of a tree that is read:
 * - `os`: files that only root can have written. A root is opened in this view.
 * - `public`: files of `os` that everybody may read. For files that units of users cite, because
 *   users must not gain root's rights.
 * - `present`: files of any owner, only to tell whether something exists. Links that others than
 *   root made, or that lie where others may write, lead nowhere.
 * - `any`: files and links of any owner. For paths that the running system or its administrator
 *   names: they may choose any place.
 */
export type View = 'os' | 'public' | 'present' | 'any';

/** Whether a view stops at files that others than root may write. */
export function isOfOs(view: View): boolean {
  return view === 'os' || view === 'public';
}

export type EntryKind = 'file' | 'directory' | 'link' | 'other';

export interface Entry {
  readonly name: string;
  readonly kind: EntryKind;
}

export interface Found {
  /** The path inside the root after following all links. */
  readonly realPath: string;
  readonly kind: Exclude<EntryKind, 'link'>;
  /** The first writable place for others on the way. Only in the views `present` and `any`. */
  readonly foreign?: Foreign;
}

export interface FoundFile {
  readonly realPath: string;
  readonly content: Buffer;
  /** True if not everybody may read the file. Its texts must not be quoted to anybody. */
  readonly isPrivate: boolean;
}

export interface OpenFile {
  readonly fd: number;
  /** In bytes, at the time of opening. */
  readonly size: number;
}

/** The codes of errors while a root is read; but for the last two, all are codes of problems too. */
export type RootErrorCode =
  | 'not-a-file'
  | 'not-a-directory'
  | 'too-large'
  | 'too-many-links'
  | 'too-many-entries'
  | 'too-deep'
  | 'unreadable'
  | 'user-writable'
  | 'private'
  | 'no-root'
  | 'not-a-root';

/** A path of a root that could not be read. */
export class RootError extends BerthError<RootErrorCode> {
  /** The path that was requested. */
  readonly path: string;
  /** Only with the code `user-writable`: the file or directory that others may write. */
  readonly foreign?: Foreign;

  constructor(
    code: RootErrorCode,
    path: string,
    message: string,
    { foreign, ...options }: { hint: string; cause?: unknown; foreign?: Foreign },
  ) {
    const isUsage =
      code === 'no-root' || code === 'not-a-root' || (code === 'user-writable' && path === '/');
    super(code, message, { ...options, kind: isUsage ? 'usage' : 'failed' });
    this.path = path;
    if (foreign !== undefined) this.foreign = foreign;
  }
}
