import { isPossiblePath } from '../common/path-bytes.ts';
import { maxEntries, sortByBytes } from './listing.ts';
import type { Foreign } from './ownership.ts';
import {
  notADirectory,
  notAFile,
  notForEverybody,
  notKept,
  tooDeep,
  tooLarge,
  tooManyEntries,
  tooManyLinks,
  userWritable,
} from './read-error.ts';
import { type Entry, type Found, type FoundFile, isOfOs, type Root, type View } from './root.ts';
import type { TreeDirectory, TreeFile, TreeNode } from './tree-node.ts';

const defaultMaxBytes = 1024 * 1024;
/** The same limits as for a root in a directory. */
const maxLinks = 40;
const maxDepth = 64;

/** The rights of a node, including those that follow from a directory above. */
interface Rights {
  readonly foreign: Foreign | undefined;
  readonly isPrivate: boolean;
}

interface Reached extends Rights {
  readonly node: TreeNode;
  readonly realPath: string;
}

/** A directory on the way to a path. */
interface Step extends Rights {
  readonly directory: TreeDirectory;
  /** `foreign` as directories below inherit it: undefined in a shared directory. */
  readonly passedOn: Foreign | undefined;
}

/** Holds the tree for all views of a root, so that closing one view frees the tree for all. */
export interface HeldTree {
  tree: TreeDirectory | undefined;
}

/** A root read from the tree of an image in memory. */
export class ImageRoot implements Root {
  readonly location: string;
  readonly #held: HeldTree;
  readonly #view: View;

  constructor(held: HeldTree, location: string, view: View) {
    this.#held = held;
    this.location = location;
    this.#view = view;
  }

  as(view: View): Root {
    return new ImageRoot(this.#held, this.location, view);
  }

  lookup(path: string): Found | undefined {
    const reached = this.#walk(path, 'follow');
    if (reached === undefined || reached.node.kind === 'link') return undefined;
    const { realPath, node, foreign } = reached;
    if (node.kind === 'file' && reached.isPrivate && this.#view === 'public') {
      throw notForEverybody(path);
    }
    return { realPath, kind: node.kind, ...(foreign === undefined ? {} : { foreign }) };
  }

  list(path: string): readonly Entry[] | undefined {
    const node = this.#walk(path, 'follow')?.node;
    if (node === undefined) return undefined;
    if (node.kind !== 'directory') throw notADirectory(path, describe(node));
    if (node.entries.size > maxEntries) throw tooManyEntries(path, maxEntries);
    return sortByBytes([...node.entries].map(([name, { kind }]) => ({ name, kind })));
  }

  readFile(path: string, maxBytes: number = defaultMaxBytes): FoundFile | undefined {
    const reached = this.#file(path);
    if (reached === undefined) return undefined;
    const { file, realPath, isPrivate } = reached;
    if (file.size > maxBytes) throw tooLarge(path, maxBytes);
    if (file.content === undefined) throw notKept(path);
    return { realPath, content: Buffer.from(file.content), isPrivate };
  }

  readStart(path: string, bytes: number): Buffer | undefined {
    const file = this.#file(path)?.file;
    if (file === undefined) return undefined;
    const start = file.content ?? file.start;
    if (start === undefined || start.length < Math.min(bytes, file.size)) throw notKept(path);
    return start.subarray(0, bytes);
  }

  /** Always undefined: the files of an image's tree have no descriptors. */
  openFile(): undefined {
    return undefined;
  }

  readLink(path: string): string | undefined {
    const node = this.#walk(path, 'stay')?.node;
    return node?.kind === 'link' ? node.target : undefined;
  }

  close(): void {
    this.#held.tree = undefined;
  }

  #file(path: string): { file: TreeFile; realPath: string; isPrivate: boolean } | undefined {
    const reached = this.#walk(path, 'follow');
    if (reached === undefined) return undefined;
    const { node, realPath, isPrivate } = reached;
    if (node.kind !== 'file') throw notAFile(path, describe(node));
    if (isPrivate && this.#view === 'public') throw notForEverybody(path);
    return { file: node, realPath, isPrivate };
  }

  /** Follows a path as `walk` does for directories. */
  #walk(path: string, last: 'follow' | 'stay'): Reached | undefined {
    const { tree } = this.#held;
    if (tree === undefined) throw new Error(`the root ${this.location} is closed already`);
    if (!isPossiblePath(path)) return undefined;
    // Who may enter the top directory is decided by where a tree lies, not by the OS.
    const foreign = foreignOf(tree, '/');
    const top = { directory: tree, foreign, passedOn: foreign, isPrivate: false };
    const way: Step[] = [top];
    const names: string[] = [];
    const refuseForeign = (foreign: Foreign | undefined) => {
      if (foreign !== undefined && isOfOs(this.#view)) throw userWritable(path, foreign);
    };
    refuseForeign(foreign);
    let links = 0;
    let ahead = path.split('/').reverse();
    for (let name = ahead.pop(); name !== undefined; name = ahead.pop()) {
      if (name === '' || name === '.') continue;
      if (name === '..') {
        if (names.pop() !== undefined) way.pop();
        continue;
      }
      const here = way.at(-1) ?? top;
      const node = here.directory.entries.get(name);
      if (node === undefined) {
        refuseForeign(here.foreign);
        return undefined;
      }
      const realPath = realPathOf([...names, name]);
      const isDirectory = node.kind === 'directory';
      const inherited = isDirectory ? here.passedOn : here.foreign;
      const foreign = inherited ?? foreignOf(node, realPath);
      const isPrivate = here.isPrivate || node.rights.isPrivate === true;
      const isShared = isDirectory && inherited === undefined && node.rights.isShared === true;
      if (!isShared) refuseForeign(foreign);
      const isLast = ahead.length === 0;
      if (node.kind === 'link') {
        if (isLast && last === 'stay') return { node, realPath, foreign, isPrivate };
        if (foreign !== undefined && this.#view !== 'any') return undefined;
        if (++links > maxLinks) throw tooManyLinks(path, maxLinks);
        if (node.target.startsWith('/')) {
          way.length = 1;
          names.length = 0;
        }
        ahead = ahead.concat(node.target.split('/').reverse());
      } else if (node.kind === 'directory') {
        if (names.length >= maxDepth) throw tooDeep(path, maxDepth);
        const passedOn = isShared ? undefined : foreign;
        way.push({ directory: node, foreign, passedOn, isPrivate });
        names.push(name);
      } else {
        return isLast ? { node, realPath, foreign, isPrivate } : undefined;
      }
    }
    const at = way.at(-1) ?? top;
    refuseForeign(at.foreign);
    return { ...at, node: at.directory, realPath: realPathOf(names) };
  }
}

function foreignOf({ rights }: TreeNode, path: string): Foreign | undefined {
  return rights.foreign && { ...rights.foreign, path };
}

function realPathOf(names: readonly string[]): string {
  return `/${names.join('/')}`;
}

function describe({ kind }: TreeNode): string {
  if (kind === 'directory') return 'a directory';
  return kind === 'file' ? 'a regular file' : 'a device, FIFO or socket';
}
