import { maxEntries, sortByBytes } from './listing.ts';
import { isPossiblePath } from './names.ts';
import { notADirectory, notAFile, tooDeep, tooManyEntries, tooManyLinks } from './read-error.ts';
import type { Entry, Found, FoundFile, OpenFile, Root } from './root.ts';

/** A directory that stands in the place of one of a root. */
export interface OverlayDirectory {
  readonly kind: 'directory';
  readonly entries: ReadonlyMap<string, OverlayNode>;
}

/** A file as it lies in some root. */
export interface OverlayFile {
  readonly kind: 'file' | 'other';
  readonly root: Root;
  readonly path: string;
}

export interface OverlayLink {
  readonly kind: 'link';
  readonly target: string;
}

export type OverlayNode = OverlayDirectory | OverlayFile | OverlayLink;

/** As for directories. */
const maxLinks = 40;
const maxDepth = 64;

type Reached =
  | { readonly in: 'overlay'; readonly node: OverlayNode; readonly realPath: string }
  | { readonly in: 'base'; readonly realPath: string };

/**
 * A root in which another directory stands in the place of `/etc`. Links lead from the one to the
 * other as they would if it were so.
 */
export class OverlaidRoot implements Root {
  readonly #base: Root;
  readonly #etc: OverlayDirectory;
  readonly #roots: readonly Root[];

  /** @param roots from which the files come besides; they are closed with this one. */
  constructor(base: Root, etc: OverlayDirectory, roots: readonly Root[]) {
    this.#base = base;
    this.#etc = etc;
    this.#roots = roots;
  }

  get location(): string {
    return this.#base.location;
  }

  lookup(path: string): Found | undefined {
    const reached = this.#walk(path, 'follow');
    if (reached?.in !== 'overlay') return this.#inBase(reached, (at) => this.#base.lookup(at));
    const { node, realPath } = reached;
    return node.kind === 'link' ? undefined : { realPath, kind: node.kind };
  }

  list(path: string): readonly Entry[] | undefined {
    const reached = this.#walk(path, 'follow');
    if (reached?.in !== 'overlay') {
      const entries = this.#inBase(reached, (at) => this.#base.list(at));
      if (reached?.realPath !== '/' || entries === undefined) return entries;
      const others = entries.filter(({ name }) => name !== 'etc');
      return sortByBytes([...others, { name: 'etc', kind: 'directory' }]);
    }
    const { node } = reached;
    if (node.kind !== 'directory') throw notADirectory(path, describe(node));
    if (node.entries.size > maxEntries) throw tooManyEntries(path, maxEntries);
    return sortByBytes([...node.entries].map(([name, { kind }]) => ({ name, kind })));
  }

  readFile(path: string, maxBytes?: number): FoundFile | undefined {
    const reached = this.#walk(path, 'follow');
    if (reached?.in !== 'overlay') {
      return this.#inBase(reached, (at) => this.#base.readFile(at, maxBytes));
    }
    const file = asFile(path, reached.node);
    const found = file?.root.readFile(file.path, maxBytes);
    return found === undefined ? undefined : { ...found, realPath: reached.realPath };
  }

  readStart(path: string, bytes: number): Buffer | undefined {
    const reached = this.#walk(path, 'follow');
    if (reached?.in !== 'overlay') {
      return this.#inBase(reached, (at) => this.#base.readStart(at, bytes));
    }
    const file = asFile(path, reached.node);
    return file?.root.readStart(file.path, bytes);
  }

  openFile(path: string): OpenFile | undefined {
    const reached = this.#walk(path, 'follow');
    if (reached?.in !== 'overlay') return this.#inBase(reached, (at) => this.#base.openFile(at));
    const file = asFile(path, reached.node);
    return file?.root.openFile(file.path);
  }

  readLink(path: string): string | undefined {
    const reached = this.#walk(path, 'stay');
    if (reached?.in !== 'overlay') return this.#inBase(reached, (at) => this.#base.readLink(at));
    return reached.node.kind === 'link' ? reached.node.target : undefined;
  }

  close(): void {
    this.#base.close();
    for (const root of this.#roots) root.close();
  }

  #inBase<T>(reached: Reached | undefined, read: (path: string) => T | undefined): T | undefined {
    return reached === undefined ? undefined : read(reached.realPath);
  }

  /** A component at a time: a link of the base may lead into the overlay, and back. */
  #walk(path: string, last: 'follow' | 'stay'): Reached | undefined {
    if (!isPossiblePath(path)) return undefined;
    const names: string[] = [];
    let links = 0;
    let ahead = path.split('/').reverse();
    for (let name = ahead.pop(); name !== undefined; name = ahead.pop()) {
      if (name === '' || name === '.') continue;
      if (name === '..') {
        names.pop();
        continue;
      }
      names.push(name);
      if (names.length > maxDepth) throw tooDeep(path, maxDepth);
      const isLast = ahead.length === 0;
      const target = this.#linkAt(names);
      if (target === undefined) continue;
      if (isLast && last === 'stay') break;
      if (++links > maxLinks) throw tooManyLinks(path, maxLinks);
      if (target.startsWith('/')) names.length = 0;
      else names.pop();
      ahead = ahead.concat(target.split('/').reverse());
    }
    return this.#at(names);
  }

  #at(names: readonly string[]): Reached | undefined {
    const realPath = `/${names.join('/')}`;
    if (names[0] !== 'etc') return { in: 'base', realPath };
    let node: OverlayNode | undefined = this.#etc;
    for (const name of names.slice(1)) {
      node = node.kind === 'directory' ? node.entries.get(name) : undefined;
      if (node === undefined) return undefined;
    }
    return { in: 'overlay', node, realPath };
  }

  /** The text of the link that the names lead to, none of them but the last a link. */
  #linkAt(names: readonly string[]): string | undefined {
    const reached = this.#at(names);
    if (reached === undefined) return undefined;
    if (reached.in === 'base') return this.#base.readLink(reached.realPath);
    return reached.node.kind === 'link' ? reached.node.target : undefined;
  }
}

function asFile(path: string, node: OverlayNode): OverlayFile | undefined {
  if (node.kind === 'file') return node;
  if (node.kind === 'link') return undefined;
  throw notAFile(path, describe(node));
}

function describe({ kind }: OverlayNode): string {
  if (kind === 'directory') return 'a directory';
  return kind === 'file' ? 'a regular file' : 'a device, FIFO or socket';
}
