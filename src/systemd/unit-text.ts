import { displayPath } from '../common/path-bytes.ts';
import { problemOf } from '../root/problem-of.ts';
import { type Root, RootError } from '../root/root.ts';
import { type Etc, followed, linkTarget } from './etc.ts';
import type { Problem } from './problem.ts';
import { parseSystemdUnit } from './systemd-unit-file.ts';
import type { UnitEntry } from './unit-file.ts';
import { isWantedOfSystemd } from './wanted-keys.ts';

/** What is at the path of a unit file or a drop-in. */
export type UnitText =
  | {
      readonly kind: 'read';
      readonly realPath: string;
      readonly entries: readonly UnitEntry[];
      /** A broken section header, from which on nothing counts. */
      readonly fault?: Omit<Problem, 'subject'>;
    }
  | { readonly kind: 'masked'; readonly realPath: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreadable'; readonly fault: Omit<Problem, 'subject'> };

/** Of all files of a manager together: a real tree has a hundredth of it. */
const maxTotalBytes = 256 * 1024 * 1024;
/** What an assignment costs beside its text. */
const bytesPerEntry = 100;

/** Reads unit files, each once. */
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

  /** @returns whether that many assignments more may be kept. */
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
      const { entries, fault } = parseSystemdUnit(content.toString(), path, isWantedOfSystemd);
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
      // Few trees have a /dev, and where there is one it is not the root's to say what it is.
      if (file !== undefined || place !== path) return file;
      return linkTarget(this.#root, this.#etc, path) === '/dev/null' ? 'masked' : undefined;
    } catch (error) {
      if (linkTarget(this.#root, this.#etc, path) === '/dev/null') return 'masked';
      throw error;
    }
  }
}

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
    hint: 'mend the line; systemd reads nothing from there on',
  };
}
