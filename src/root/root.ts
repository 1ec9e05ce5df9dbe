import { BerthError } from '../common/errors.ts';
import type { Foreign } from './ownership.ts';

/**
 * An OS file tree that may lie. Reading is synchronous (a thousand small files are read several
 * times faster so), never leaves the root, never runs or believes anything in it, never hangs
 * and never reads without a bound.
 *
 * Paths are absolute inside the root (`/usr/lib/berth`). Names whose bytes are not UTF-8 come as
 * strings in which each such byte 0xNN is the lone surrogate U+DCNN (as Python's
 * `surrogateescape`), so every name makes the round trip to the kernel; `displayPath` shows them
 * as `\xNN`.
 *
 * What others than root may write is no part of the OS: unless the view says otherwise, each read
 * whose way leads through it is the error `user-writable`, whatever lies behind.
 */
export interface Root {
  /** How messages and records call it: the real path, or `fd:3`. */
  readonly location: string;

  /** The same tree in another view. It is open as long as this one is, and closes with it. */
  as(view: View): Root;

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

/**
 * Which part of a tree is read:
 * - `os`: what only root could have written. This is how a root is opened.
 * - `public`: of that, what everybody may read. For what units of users cite: root's rights are not
 *   for them.
 * - `present`: whatever anybody wrote, to tell that it is there. Links that others than root made,
 *   or that lie where others may write, lead nowhere.
 * - `any`: whatever anybody wrote, links and all. For what the running system or its administrator
 *   names: it is theirs to say where that lies.
 */
export type View = 'os' | 'public' | 'present' | 'any';

/** Whether a view ends where others than root may write. */
export function isOfOs(view: View): boolean {
  return view === 'os' || view === 'public';
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
  /** Where others than root may write on the way; only in the views `present` and `any`. */
  readonly foreign?: Foreign;
}

export interface FoundFile {
  readonly realPath: string;
  readonly content: Buffer;
  /** Not everybody may read it: what it says is quoted to nobody. */
  readonly isPrivate: boolean;
}

export interface OpenFile {
  readonly fd: number;
  /** In bytes, when it was opened. */
  readonly size: number;
}

/** The codes of errors while a root is read; all but `no-root` are codes of problems too. */
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
  | 'no-root';

/** Why a path of a root could not be read. `path` is the one that was asked for. */
export class RootError extends BerthError<RootErrorCode> {
  readonly path: string;
  /** Of `user-writable`: what others may write. */
  readonly foreign?: Foreign;

  constructor(
    code: RootErrorCode,
    path: string,
    message: string,
    { foreign, ...options }: { hint: string; cause?: unknown; foreign?: Foreign },
  ) {
    const isUsage = code === 'no-root' || (code === 'user-writable' && path === '/');
    super(code, message, { ...options, kind: isUsage ? 'usage' : 'failed' });
    this.path = path;
    if (foreign !== undefined) this.foreign = foreign;
  }
}
