import { isPossiblePath } from '../common/path-bytes.ts';
import { maxEntries, sortByBytes } from './listing.ts';
import type { Foreign } from './ownership.ts';
import {
  notADirectory,
  notAFile,
  tooDeep,
  tooManyEntries,
  tooManyLinks,
  userWritable,
} from './read-error.ts';
import {
  type Entry,
  type Found,
  type FoundFile,
  isOfOs,
  type OpenFile,
  type Root,
  type View,
} from './root.ts';

/** A directory of the overlay. */
export interface OverlayDirectory {
  readonly kind: 'directory';
  readonly entries: ReadonlyMap<string, OverlayNode>;
  /** The owner and path, if others than root may write the directory. */
  readonly foreign?: Foreign | undefined;
}

/** A file of the overlay; its content is read from another root. */
export interface OverlayFile {
  readonly kind: 'file' | 'other';
  readonly root: Root;
  readonly path: string;
}

export interface OverlayLink {
  readonly kind: 'link';
  readonly target: string;
  /** The owner and path, if others than root made the link. */
  readonly foreign?: Foreign | undefined;
}

/** A directory with everything below it as in another root. */
export interface OverlaySubtree {
  readonly kind: 'subtree';
  readonly root: Root;
  readonly path: string;
}

export type OverlayNode = OverlayDirectory | OverlayFile | OverlayLink | OverlaySubtree;

/** The same limits as for a root in a directory. */
const maxLinks = 40;
const maxDepth = 64;

type Reached =
  | {
      readonly in: 'overlay';
      readonly node: Exclude<OverlayNode, OverlaySubtree>;
      readonly realPath: string;
      readonly foreign: Foreign | undefined;
    }
  | {
      readonly in: 'tree';
      readonly root: Root;
      /** The path in `root`. */
      readonly path: string;
      readonly realPath: string;
    };

/** The replacements of a root's own directories. */
export interface Overlays {
  readonly etc?: OverlayDirectory;
  /** A root whose top directory becomes `/var`. */
  readonly var?: Root;
}

/**
 * A root whose `/etc` and `/var` are replaced by others. Links between the parts are followed as in a
 * single tree.
 */
export class OverlaidRoot implements Root {
  readonly #base: Root;
  readonly #overlays: Overlays;
  readonly #roots: readonly Root[];
  readonly #view: View;

  /** @param roots the roots that files of the overlay are read from; closed together with this one. */
  constructor(base: Root, overlays: Overlays, roots: readonly Root[], view: View = 'os') {
    this.#base = base;
    this.#overlays = overlays;
    this.#roots = roots;
    this.#view = view;
  }

  as(view: View): Root {
    const { etc, var: ofVar } = this.#overlays;
    const overlays = {
      ...(etc === undefined ? {} : { etc }),
      ...(ofVar === undefined ? {} : { var: ofVar.as(view) }),
    };
    return new OverlaidRoot(this.#base.as(view), overlays, this.#roots, view);
  }

  get location(): string {
    return this.#base.location;
  }

  lookup(path: string): Found | undefined {
    const reached = this.#walk(path, 'follow');
    if (reached === undefined) return undefined;
    const { realPath } = reached;
    if (reached.in === 'tree') {
      const found = reached.root.lookup(reached.path);
      return found === undefined ? undefined : { ...found, realPath };
    }
    const { node, foreign } = reached;
    if (node.kind === 'link') return undefined;
    if (node.kind === 'directory') {
      return { realPath, kind: node.kind, ...(foreign === undefined ? {} : { foreign }) };
    }
    const found = node.root.as(this.#view).lookup(node.path);
    return found === undefined ? undefined : { ...found, realPath };
  }

  list(path: string): readonly Entry[] | undefined {
    const reached = this.#walk(path, 'follow');
    if (reached === undefined) return undefined;
    if (reached.in === 'tree') {
      const entries = reached.root.list(reached.path);
      return reached.realPath === '/' && entries !== undefined ? this.#top(entries) : entries;
    }
    const { node } = reached;
    if (node.kind !== 'directory') throw notADirectory(path, describe(node));
    if (node.entries.size > maxEntries) throw tooManyEntries(path, maxEntries);
    return sortByBytes(
      [...node.entries].map(([name, { kind }]) => ({ name, kind: entryKind(kind) })),
    );
  }

  #top(entries: readonly Entry[]): readonly Entry[] {
    const names = (['etc', 'var'] as const).filter((name) => this.#overlays[name] !== undefined);
    const others = entries.filter(({ name }) => !names.some((overlaid) => overlaid === name));
    return sortByBytes([...others, ...names.map((name) => ({ name, kind: 'directory' as const }))]);
  }

  readFile(path: string, maxBytes?: number): FoundFile | undefined {
    const [at, realPath] = this.#file(path);
    const found = at?.root.readFile(at.path, maxBytes);
    return found === undefined ? undefined : { ...found, realPath };
  }

  readStart(path: string, bytes: number): Buffer | undefined {
    const [at] = this.#file(path);
    return at?.root.readStart(at.path, bytes);
  }

  openFile(path: string): OpenFile | undefined {
    const [at] = this.#file(path);
    return at?.root.openFile(at.path);
  }

  /** The root and path to read a file from, and the file's real path in this root. */
  #file(path: string): readonly [{ root: Root; path: string } | undefined, string] {
    const reached = this.#walk(path, 'follow');
    if (reached === undefined) return [undefined, path];
    const { realPath } = reached;
    if (reached.in === 'tree') return [reached, realPath];
    const file = asFile(path, reached.node);
    return [file && { root: file.root.as(this.#view), path: file.path }, realPath];
  }

  readLink(path: string): string | undefined {
    const reached = this.#walk(path, 'stay');
    return reached === undefined ? undefined : linkText(reached);
  }

  close(): void {
    this.#base.close();
    for (const root of this.#roots) root.close();
  }

  /** Walks one component at a time, because a link may lead from the base into the overlay and back. */
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
      const reached = this.#at(names);
      const foreign = reached?.in === 'overlay' ? reached.foreign : undefined;
      if (foreign !== undefined && isOfOs(this.#view)) throw userWritable(path, foreign);
      const target = reached === undefined ? undefined : linkText(reached);
      if (target === undefined) continue;
      if (isLast && last === 'stay') break;
      if (foreign !== undefined && this.#view !== 'any') return undefined;
      if (++links > maxLinks) throw tooManyLinks(path, maxLinks);
      if (target.startsWith('/')) names.length = 0;
      else names.pop();
      ahead = ahead.concat(target.split('/').reverse());
    }
    return this.#at(names);
  }

  /** The file at a path of which only the last component may be a link. */
  #at(names: readonly string[]): Reached | undefined {
    const realPath = `/${names.join('/')}`;
    const [top, ...below] = names;
    if (top === 'var' && this.#overlays.var !== undefined) {
      return { in: 'tree', root: this.#overlays.var, path: `/${below.join('/')}`, realPath };
    }
    if (top !== 'etc' || this.#overlays.etc === undefined) {
      return { in: 'tree', root: this.#base, path: realPath, realPath };
    }
    let node: Exclude<OverlayNode, OverlaySubtree> = this.#overlays.etc;
    let foreign = node.foreign;
    for (const [at, name] of below.entries()) {
      const next: OverlayNode | undefined =
        node.kind === 'directory' ? node.entries.get(name) : undefined;
      if (next === undefined) return undefined;
      if (next.kind === 'subtree') {
        const path = [next.path, ...below.slice(at + 1)].join('/');
        return { in: 'tree', root: next.root.as(this.#view), path, realPath };
      }
      node = next;
      if (node.kind === 'directory' || node.kind === 'link') foreign ??= node.foreign;
    }
    return { in: 'overlay', node, realPath, foreign };
  }
}

function linkText(reached: Reached): string | undefined {
  if (reached.in === 'tree') return reached.root.readLink(reached.path);
  return reached.node.kind === 'link' ? reached.node.target : undefined;
}

function asFile(path: string, node: OverlayNode): OverlayFile | undefined {
  if (node.kind === 'file') return node;
  if (node.kind === 'link') return undefined;
  throw notAFile(path, describe(node));
}

function entryKind(kind: OverlayNode['kind']): Entry['kind'] {
  return kind === 'subtree' ? 'directory' : kind;
}

function describe({ kind }: OverlayNode): string {
  if (kind === 'directory') return 'a directory';
  return kind === 'file' ? 'a regular file' : 'a device, FIFO or socket';
}
