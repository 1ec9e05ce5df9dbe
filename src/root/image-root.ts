import { maxEntries, sortByBytes } from './listing.ts';
import { isPossiblePath } from './names.ts';
import {
  notADirectory,
  notAFile,
  notKept,
  tooDeep,
  tooLarge,
  tooManyEntries,
  tooManyLinks,
} from './read-error.ts';
import type { Entry, Found, FoundFile, Root } from './root.ts';
import type { TreeDirectory, TreeFile, TreeNode } from './tree-node.ts';

const defaultMaxBytes = 1024 * 1024;
/** As for directories. */
const maxLinks = 40;
const maxDepth = 64;

interface Reached {
  readonly node: TreeNode;
  readonly realPath: string;
}

/** A root that is an image's tree in memory. */
export class ImageRoot implements Root {
  readonly location: string;
  #tree: TreeDirectory | undefined;

  constructor(tree: TreeDirectory, location: string) {
    this.#tree = tree;
    this.location = location;
  }

  lookup(path: string): Found | undefined {
    const reached = this.#walk(path, 'follow');
    if (reached === undefined || reached.node.kind === 'link') return undefined;
    return { realPath: reached.realPath, kind: reached.node.kind };
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
    const { file, realPath } = reached;
    if (file.size > maxBytes) throw tooLarge(path, maxBytes);
    if (file.content === undefined) throw notKept(path);
    return { realPath, content: Buffer.from(file.content) };
  }

  readStart(path: string, bytes: number): Buffer | undefined {
    const file = this.#file(path)?.file;
    if (file === undefined) return undefined;
    const start = file.content ?? file.start;
    if (start === undefined || start.length < Math.min(bytes, file.size)) throw notKept(path);
    return start.subarray(0, bytes);
  }

  /** An image's tree has no files that could be opened. */
  openFile(): undefined {
    return undefined;
  }

  readLink(path: string): string | undefined {
    const node = this.#walk(path, 'stay')?.node;
    return node?.kind === 'link' ? node.target : undefined;
  }

  close(): void {
    this.#tree = undefined;
  }

  #file(path: string): { file: TreeFile; realPath: string } | undefined {
    const reached = this.#walk(path, 'follow');
    if (reached === undefined) return undefined;
    const { node, realPath } = reached;
    if (node.kind !== 'file') throw notAFile(path, describe(node));
    return { file: node, realPath };
  }

  /** As `walk` of the directories does. */
  #walk(path: string, last: 'follow' | 'stay'): Reached | undefined {
    if (this.#tree === undefined) throw new Error(`the root ${this.location} is closed already`);
    if (!isPossiblePath(path)) return undefined;
    const way: TreeDirectory[] = [this.#tree];
    const names: string[] = [];
    let links = 0;
    let ahead = path.split('/').reverse();
    for (let name = ahead.pop(); name !== undefined; name = ahead.pop()) {
      if (name === '' || name === '.') continue;
      if (name === '..') {
        if (names.pop() !== undefined) way.pop();
        continue;
      }
      const node = (way.at(-1) ?? this.#tree).entries.get(name);
      if (node === undefined) return undefined;
      const isLast = ahead.length === 0;
      if (node.kind === 'link') {
        if (isLast && last === 'stay') return { node, realPath: realPathOf([...names, name]) };
        if (++links > maxLinks) throw tooManyLinks(path, maxLinks);
        if (node.target.startsWith('/')) {
          way.length = 1;
          names.length = 0;
        }
        ahead = ahead.concat(node.target.split('/').reverse());
      } else if (node.kind === 'directory') {
        if (names.length >= maxDepth) throw tooDeep(path, maxDepth);
        way.push(node);
        names.push(name);
      } else {
        return isLast ? { node, realPath: realPathOf([...names, name]) } : undefined;
      }
    }
    return { node: way.at(-1) ?? this.#tree, realPath: realPathOf(names) };
  }
}

function realPathOf(names: readonly string[]): string {
  return `/${names.join('/')}`;
}

function describe({ kind }: TreeNode): string {
  if (kind === 'directory') return 'a directory';
  return kind === 'file' ? 'a regular file' : 'a device, FIFO or socket';
}
