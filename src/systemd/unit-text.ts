import { displayPath } from '../common/path-bytes.ts';
import { problemOf } from '../root/problem-of.ts';
import { type Root, RootError } from '../root/root.ts';
import { type Etc, followed, linkTarget } from './etc.ts';
import type { Problem } from './problem.ts';
import { parseSystemdUnit } from './systemd-unit-file.ts';
import type { UnitEntry } from './unit-file.ts';
import { isReadKey } from './wanted-keys.ts';

/** The result of reading the path of a unit file or drop-in. */
export type UnitText =
  | {
      readonly kind: 'read';
      readonly realPath: string;
      readonly entries: readonly UnitEntry[];
      /** A broken section header; nothing from there on counts. */
      readonly fault?: Omit<Problem, 'subject'>;
    }
  | { readonly kind: 'masked'; readonly realPath: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreadable'; readonly fault: Omit<Problem, 'subject'> };

/** The limit for all files of a manager together; real trees have a hundredth of it. */
const maxTotalBytes = 64 * 1024 * 1024;
/** The memory that one parsed assignment takes beside its text, roughly. */
const bytesPerEntry = 100;

/** Reads unit files and drop-ins, each only once. */
export class UnitTexts {
  readonly #root: Root;
  readonly #etc: Etc;
  readonly #texts = new Map<string, UnitText>();
  #bytes = 0;

  constructor(root: Root, etc: Etc) {
    this.#root = root;
    this.#etc = etc;
  }

  read(path: string): UnitText {
    let text = this.#texts.get(path);
    if (text === undefined) {
      text = this.#read(path);
      this.#texts.set(path, text);
    }
    return text;
  }

  /**
   * Counts further assignments that are kept.
   *
   * @returns whether the limit still holds.
   */
  spend(entries: number): boolean {
    this.#bytes += entries * bytesPerEntry;
    return this.#bytes <= maxTotalBytes;
  }

  #read(path: string): UnitText {
    if (this.#bytes > maxTotalBytes) return { kind: 'unreadable', fault: tooMuch(path) };
    try {
      const place = followed(this.#root, this.#etc, path);
      if (place === '/dev/null') return { kind: 'masked', realPath: place };
      const file = this.#readFile(path, place);
      if (typeof file === 'string') return { kind: file, realPath: '/dev/null' };
      if (file === undefined) return { kind: 'absent' };
      const { realPath, content } = file;
      if (content.length === 0) return { kind: 'masked', realPath };
      const { entries, fault } = parseSystemdUnit(content.toString(), path, isReadKey);
      this.#bytes += content.length + entries.length * bytesPerEntry;
      return fault === undefined
        ? { kind: 'read', realPath, entries }
        : { kind: 'read', realPath, entries, fault: broken(path, fault) };
    } catch (error) {
      if (!(error instanceof RootError)) throw error;
      return { kind: 'unreadable', fault: problemOf(error) };
    }
  }

  #readFile(path: string, place: string): ReturnType<Root['readFile']> | 'masked' {
    try {
      const file = this.#root.readFile(place);
      // Few trees have a /dev, and what lies in one is not what the booted host will have there.
      if (file !== undefined || place !== path) return file;
      return linkTarget(this.#root, this.#etc, path) === '/dev/null' ? 'masked' : undefined;
    } catch (error) {
      if (linkTarget(this.#root, this.#etc, path) === '/dev/null') return 'masked';
      throw error;
    }
  }
}

/** The problem of a unit that exceeds the limit for all files of a manager. */
export function tooMuch(path: string): Omit<Problem, 'subject'> {
  return {
    code: 'too-large',
    path,
    message: `expected at most ${maxTotalBytes} bytes of systemd units, found more at ${displayPath(path)}`,
    hint: 'remove units from the OS tree, or make them smaller',
  };
}

function broken(
  path: string,
  { line, message }: { line: number; message: string },
): Omit<Problem, 'subject'> {
  return {
    code: 'unit-syntax',
    path,
    line,
    message: `expected a section such as [Unit], ${message}`,
    hint: 'correct the line; systemd reads nothing after it',
  };
}
