import { BerthError } from '../errors.ts';

/**
 * An OS file tree that may lie. Reading is synchronous (a thousand small files are read several
 * times faster so), never leaves the root, never runs or believes anything in it, never hangs
 * and never reads without a bound.
 *
 * Paths are absolute inside the root (`/usr/lib/berth`). Names whose bytes are not UTF-8 come as
 * strings in which each such byte 0xNN is the lone surrogate U+DCNN (as Python's
 * `surrogateescape`), so every name makes the round trip to the kernel; `displayPath` shows them
 * as `\xNN`.
 */
export interface Root {
  /** How messages and records call it: the real path, or `fd:3`. */
  readonly location: string;

  /**
   * What is at `path`, links followed inside the root.
   *
   * @returns undefined if nothing is there, also for a link that dangles.
   * @throws {RootError}
   */
  lookup(path: string): Found | undefined;

  /**
   * The entries of a directory, sorted by the bytes of their names, without `.` and `..`.
   *
   * @returns undefined if nothing is there.
   * @throws {RootError} `not-a-directory`, `too-many-entries`, or as all reads.
   */
  list(path: string): readonly Entry[] | undefined;

  /**
   * A regular file, whole.
   *
   * @param maxBytes 1 MiB by default; a larger file is the error `too-large`, not a cut one.
   * @returns undefined if nothing is there.
   * @throws {RootError} `not-a-file` for a directory, FIFO, socket or device.
   */
  readFile(path: string, maxBytes?: number): FoundFile | undefined;

  /**
   * The first bytes of a regular file, fewer only if it has no more.
   *
   * @returns undefined if nothing is there.
   * @throws {RootError} as `readFile`, but never `too-large`.
   */
  readStart(path: string, bytes: number): Buffer | undefined;

  /**
   * A regular file of any size, open to be read; the caller closes it.
   *
   * @returns undefined if nothing is there, or if the root does not keep what its files hold.
   * @throws {RootError} as `readFile`, but never `too-large`.
   */
  openFile(path: string): OpenFile | undefined;

  /** The text of the link at `path` itself; undefined if that is not a link or nothing is there. */
  readLink(path: string): string | undefined;

  /** Closes every descriptor. The root can't be read after it. */
  close(): void;
}

export type EntryKind = 'file' | 'directory' | 'link' | 'other';

export interface Entry {
  readonly name: string;
  readonly kind: EntryKind;
}

export interface Found {
  /** Where the links led: the path inside the root without any link in it. */
  readonly realPath: string;
  readonly kind: Exclude<EntryKind, 'link'>;
}

export interface FoundFile {
  readonly realPath: string;
  readonly content: Buffer;
}

export interface OpenFile {
  readonly fd: number;
  /** In bytes, when it was opened. */
  readonly size: number;
}

export type RootErrorCode =
  | 'not-a-file'
  | 'not-a-directory'
  | 'too-large'
  | 'too-many-links'
  | 'too-many-entries'
  | 'too-deep'
  | 'unreadable'
  | 'no-root';

/** Why a path of a root could not be read. `path` is the one that was asked for. */
export class RootError extends BerthError {
  declare readonly code: RootErrorCode;
  readonly path: string;

  constructor(
    code: RootErrorCode,
    path: string,
    message: string,
    options: { hint: string; cause?: unknown },
  ) {
    super(code, message, { ...options, kind: code === 'no-root' ? 'usage' : 'failed' });
    this.path = path;
  }
}
