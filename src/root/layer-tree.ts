import { nameFromBytes, nameToBytes } from '../common/path-bytes.ts';
import type { TarEntry } from '../common/tar/read.ts';
import { KeptContent, programs } from './kept-content.ts';
import { tooDeep, tooLargeTree, tooManyLinks } from './read-error.ts';
import {
  emptyDirectory,
  rightsOf,
  rootsOwn,
  type TreeDirectory,
  type TreeFile,
  type TreeNode,
} from './tree-node.ts';

const maxEntries = 1_000_000;
/** A directory takes the memory of this many files. */
const costOfDirectory = 3;
/** How many sizes of files are remembered. */
const maxAlike = 65_536;
const maxNameBytes = 128 * 1024 * 1024;
const maxLinks = 40;
const maxDepth = 512;
/** PATH_MAX (limits.h) without the NUL: no tool can have created a longer path. */
const maxPath = 4095;
/** The number of path components walked in total, so that links in circles come to an end. */
const maxSteps = 100_000_000;
const startBytes = 64;

interface Place {
  readonly directory: TreeDirectory;
  /** The path components of the directory in the tree, with no link among them. */
  readonly path: readonly string[];
}

/**
 * The files of an image: its layers applied one after the other (image-spec, layer.md), as by an
 * extractor that never leaves its directory.
 */
export class LayerTree {
  readonly root: TreeDirectory = emptyDirectory(0);
  readonly #kept = new KeptContent();
  /** A file of each size. */
  readonly #bySize = new Map<number, TreeFile>();
  #layer = 0;
  #entries = 0;
  #nameBytes = 0;
  #steps = 0;

  /**
   * Applies the next layer.
   *
   * @throws {RootError} if the image exceeds a limit, or links in a path form a circle.
   */
  async apply(entries: AsyncIterable<TarEntry>): Promise<void> {
    this.#layer++;
    for await (const entry of entries) await this.#add(entry);
  }

  async #add(entry: TarEntry): Promise<void> {
    if (Math.max(entry.path.length, entry.target.length) > maxPath) {
      throw tooLargeTree(`${maxPath} characters in a path`);
    }
    this.#count(entry.path.length + entry.target.length, entry.type);
    const names = normal(entry.path);
    const last = names.pop();
    if (last === undefined) {
      if (entry.type === 'directory') this.root.rights = rightsOf('directory', entry);
      return;
    }
    if (last.startsWith('.wh.')) return this.#whiteOut(names, last);
    const place = this.#place(names, 'make', entry.path);
    if (place === undefined) return;
    const { entries } = place.directory;
    const name = nameFromBytes(nameToBytes(last));
    const before = entries.get(name);
    if (entry.type === 'directory' && before?.kind === 'directory') {
      before.layer = this.#layer;
      before.rights = rightsOf('directory', entry);
      return;
    }
    const node = await this.#nodeOf(entry, [...place.path, name].join('/'));
    if (before !== undefined) this.#forget(before);
    entries.set(name, node);
  }

  async #nodeOf(entry: TarEntry, path: string): Promise<TreeNode> {
    const layer = this.#layer;
    switch (entry.type) {
      case 'directory':
        return emptyDirectory(layer, rightsOf('directory', entry));
      case 'link':
        return { kind: 'link', layer, rights: rightsOf('link', entry), target: entry.target };
      case 'file':
        return this.#fileOf(entry, path);
      case 'hard-link':
        return this.#linked(entry, path);
      case 'other':
        return { kind: 'other', layer, rights: rightsOf('other', entry) };
    }
  }

  async #fileOf(entry: TarEntry, path: string): Promise<TreeNode> {
    const { size } = entry;
    const file = this.#alike({
      kind: 'file',
      layer: this.#layer,
      rights: rightsOf('file', entry),
      size,
    });
    if (this.#kept.wants(path, size))
      return { ...file, ...this.#held(path, await entry.read(size)) };
    if (!programs.includes(path)) return file;
    return { ...file, start: Buffer.from(await entry.read(startBytes)) };
  }

  /** One node for all files of a layer that are alike: of most files only the size is known. */
  #alike(file: TreeFile): TreeFile {
    if (file.rights !== rootsOwn) return file;
    const known = this.#bySize.get(file.size);
    if (known?.layer === file.layer) return known;
    if (this.#bySize.size < maxAlike || known !== undefined) this.#bySize.set(file.size, file);
    return file;
  }

  /** A hard link. Owner and mode come from the file that it links to. */
  #linked(entry: TarEntry, path: string): TreeNode {
    const layer = this.#layer;
    const { target } = entry;
    const names = normal(target);
    const last = names.pop();
    const place = this.#place(names, 'look', target);
    const node = last === undefined ? undefined : place?.directory.entries.get(last);
    // The target is missing: all that is known is that the entry is a file.
    if (node === undefined || node.kind === 'directory') {
      return { kind: 'file', layer, rights: rightsOf('file', entry), size: 0 };
    }
    if (node.kind !== 'file') return { ...node, layer };
    const content = node.content ?? this.#kept.recent([...(place?.path ?? []), last].join('/'));
    return { ...node, layer, ...(content === undefined ? {} : this.#held(path, content)) };
  }

  #held(path: string, read: Buffer): { content?: Buffer; start?: Buffer } {
    const content = this.#kept.keep(path, read);
    return {
      ...(content === undefined ? {} : { content }),
      ...(programs.includes(path) ? { start: Buffer.from(read.subarray(0, startBytes)) } : {}),
    };
  }

  #whiteOut(names: readonly string[], last: string): void {
    const directory = this.#place(names, 'look', names.join('/'))?.directory;
    if (directory === undefined) return;
    if (last === '.wh..wh..opq') this.#dropLower(directory);
    else if (!last.startsWith('.wh..wh.')) this.#drop(directory, last.slice('.wh.'.length));
  }

  /**
   * Removes the entries that come from lower layers. Entries of this layer stay, because they may
   * stand before the whiteout in the archive.
   */
  #dropLower(directory: TreeDirectory): void {
    // After the first time nothing of lower layers comes back, however many whiteouts follow.
    if (directory.swept === this.#layer) return;
    directory.swept = this.#layer;
    for (const name of directory.entries.keys()) this.#drop(directory, name);
  }

  #drop(directory: TreeDirectory, name: string): void {
    const node = directory.entries.get(name);
    if (node === undefined) return;
    if (node.kind === 'directory') this.#dropLower(node);
    const isBare = node.kind !== 'directory' || node.entries.size === 0;
    if (node.layer >= this.#layer || !isBare) return;
    this.#forget(node);
    directory.entries.delete(name);
  }

  /** Frees the space of a node that is replaced or removed. */
  #forget(node: TreeNode): void {
    if (node.kind === 'file') {
      if (node.content !== undefined) this.#kept.release(node.content);
    } else if (node.kind === 'directory')
      for (const below of node.entries.values()) this.#forget(below);
  }

  /** The directory that the names lead to. Links of this and lower layers are followed in the tree. */
  #place(names: readonly string[], missing: 'make' | 'look', path: string): Place | undefined {
    const way: TreeDirectory[] = [this.root];
    const reached: string[] = [];
    let ahead = names.toReversed();
    let links = 0;
    for (let name = ahead.pop(); name !== undefined; name = ahead.pop()) {
      if (++this.#steps > maxSteps) throw tooLargeTree(`${maxSteps} names to go through`);
      if (name === '' || name === '.') continue;
      if (name === '..') {
        if (reached.pop() !== undefined) way.pop();
        continue;
      }
      const here = way.at(-1) ?? this.root;
      let next = here.entries.get(name);
      if (next?.kind === 'link') {
        if (++links > maxLinks) throw tooManyLinks(path, maxLinks);
        if (next.target.startsWith('/')) {
          way.length = 1;
          reached.length = 0;
        }
        ahead = ahead.concat(next.target.split('/').reverse());
        continue;
      }
      if (next?.kind !== 'directory') {
        if (missing === 'look') return undefined;
        this.#count(name.length, 'directory');
        next = emptyDirectory(this.#layer);
        here.entries.set(nameFromBytes(nameToBytes(name)), next);
      }
      if (reached.length >= maxDepth) throw tooDeep(path, maxDepth);
      way.push(next);
      reached.push(name);
    }
    return { directory: way.at(-1) ?? this.root, path: reached };
  }

  #count(nameBytes: number, type: TarEntry['type']): void {
    this.#nameBytes += nameBytes;
    this.#entries += type === 'directory' ? costOfDirectory : 1;
    if (this.#entries > maxEntries) throw tooLargeTree(`${maxEntries} files`);
    if (this.#nameBytes > maxNameBytes) throw tooLargeTree(`${maxNameBytes} bytes of their names`);
  }
}

/** The components of a path, with `.` and `..` resolved so that the path can't lead outside. */
function normal(path: string): string[] {
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  return names;
}
