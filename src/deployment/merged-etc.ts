import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode } from '../common/errors.ts';
import { nameToBytes } from '../common/path-bytes.ts';
import type { OverlayDirectory, OverlayNode, OverlaySubtree } from '../root/overlaid-root.ts';
import type { Foreign } from '../root/ownership.ts';
import { type Entry, type Root, RootError } from '../root/root.ts';
import { unreadableRoot } from './failure.ts';
import { parseKeyFile } from './origin.ts';

/**
 * The `/etc` that the finalisation of a staged ostree deployment will make: the new deployment's
 * `/usr/etc`, with the local changes of the old deployment, which are the differences between
 * the old `/etc` and the old `/usr/etc`.
 *
 * Source: libostree's ostree-sysroot-deploy.c (merge_configuration_from), ostree-diff.c.
 *
 * @param id the id of the staged deployment, for errors.
 * @param fresh the tree of the staged deployment.
 * @param local the tree of the old deployment.
 * @param localPath the path of that tree in the running system.
 * @throws {BerthError} `unreadable-root`
 */
export function mergedEtc(
  id: string,
  fresh: Root,
  local: Root | undefined,
  localPath: string,
): OverlayDirectory {
  return new Merge(id, fresh, local, localPath).etc();
}

/**
 * Whether each boot of a root starts with a fresh `/etc`: `[etc] transient=true` in its
 * prepare-root.conf. Source: ostree-prepare-root(1).
 */
export function isTransient(root: Root): boolean {
  const file =
    root.readFile('/usr/etc/ostree/prepare-root.conf') ??
    root.readFile('/usr/lib/ostree/prepare-root.conf');
  const value = parseKeyFile(file?.content.toString('utf8') ?? '').get('etc transient');
  return value === 'true' || value === '1';
}

const maxDepth = 64;
const maxEntries = 262_144;

/**
 * Merges three directories: the new default (`/usr/etc` of `fresh`), the old default (`/usr/etc` of
 * `local`), and the current one (`/etc` of `local`).
 */
class Merge {
  readonly #id: string;
  /**
   * In the view `present`, because files are compared whoever owns them. Owners are checked when
   * the merged tree is read.
   */
  readonly #fresh: Root;
  readonly #local: Root | undefined;
  readonly #localPath: string;
  #left = maxEntries;

  constructor(id: string, fresh: Root, local: Root | undefined, localPath: string) {
    this.#id = id;
    this.#fresh = fresh.as('present');
    this.#local = local?.as('present');
    this.#localPath = localPath;
  }

  /** The complete merged `/etc`. */
  etc(): OverlayDirectory {
    return { ...this.#merged('', true), entries: this.#entries('', maxDepth, true) };
  }

  /** The owner of a merged directory: root if root owns the directory in both trees. */
  #merged(path: string, inFresh: boolean): Pick<OverlayDirectory, 'kind' | 'foreign'> {
    const foreign =
      (inFresh ? foreignAt(this.#fresh, `/usr/etc${path}`) : undefined) ??
      foreignAt(this.#local, `/etc${path}`);
    return { kind: 'directory', foreign: foreign && { ...foreign, path: `/etc${path}` } };
  }

  /**
   * The merged entries of a directory.
   *
   * @param path the path below `/etc`: empty, or `/a/b`.
   * @param inFresh whether the new default has the directory too.
   */
  #entries(path: string, depth: number, inFresh: boolean): ReadonlyMap<string, OverlayNode> {
    if (depth === 0) throw this.#tooMuch(path);
    const fresh = entriesOf(inFresh ? this.#fresh : undefined, `/usr/etc${path}`);
    const before = entriesOf(this.#local, `/usr/etc${path}`);
    const now = entriesOf(this.#local, `/etc${path}`);
    const entries = new Map<string, OverlayNode>();
    for (const name of new Set([...fresh.keys(), ...now.keys()])) {
      if (--this.#left < 0) throw this.#tooMuch(path);
      const at = `${path}/${name}`;
      const node = this.#node(at, depth, fresh.get(name), before.get(name), now.get(name));
      if (node !== undefined) entries.set(name, node);
    }
    return entries;
  }

  /** The merged file at a path. The new default, if ostree refuses to merge. */
  #node(
    path: string,
    depth: number,
    fresh: Kind,
    before: Kind,
    now: Kind,
  ): OverlayNode | undefined {
    // A local removal stays in force, whatever the new default has at the path.
    if (now === undefined)
      return before === undefined ? this.#ofFresh(path, depth, fresh) : undefined;
    const isChanged = before !== now || this.#differs(path, now);
    if (now === 'directory') return this.#directory(path, depth, fresh, before, isChanged);
    if (!isChanged || fresh === 'directory') return this.#ofFresh(path, depth, fresh);
    return now === 'other' ? undefined : this.#leaf(this.#local, `/etc${path}`, now);
  }

  #directory(
    path: string,
    depth: number,
    fresh: Kind,
    before: Kind,
    isChanged: boolean,
  ): OverlayNode | undefined {
    // If a file became a directory, ostree ignores the directory's entries.
    const isListed = before === undefined || before === 'directory';
    if (fresh === 'directory') {
      if (!isListed) return this.#ofFresh(path, depth, fresh);
      return this.#unlessDenied(this.#local, `/etc${path}`, () => ({
        ...this.#merged(path, true),
        entries: this.#entries(path, depth - 1, true),
      }));
    }
    if (isChanged && this.#local !== undefined) {
      return this.#whole(this.#local, `/etc${path}`, depth - 1);
    }
    if (fresh !== undefined) return this.#ofFresh(path, depth, fresh);
    // The new default dropped the directory. It comes back if anything in it was changed locally.
    return this.#unlessDenied(this.#local, `/etc${path}`, () => {
      const entries = this.#entries(path, depth - 1, false);
      return entries.size === 0 ? undefined : { ...this.#merged(path, false), entries };
    });
  }

  /**
   * A merged directory; or the directory of one tree, if this process may not list it. Whoever reads
   * below it then gets the error, and everything else can be read.
   */
  #unlessDenied<T>(root: Root | undefined, path: string, merge: () => T): T | OverlaySubtree {
    try {
      return merge();
    } catch (error) {
      if (root === undefined || !isDenied(error)) throw error;
      return { kind: 'subtree', root, path };
    }
  }

  #ofFresh(path: string, depth: number, kind: Kind): OverlayNode | undefined {
    if (kind !== 'directory') return this.#leaf(this.#fresh, `/usr/etc${path}`, kind);
    return this.#whole(this.#fresh, `/usr/etc${path}`, depth - 1);
  }

  #whole(root: Root, path: string, depth: number): OverlayNode {
    return this.#unlessDenied(root, path, () => this.#listed(root, path, depth));
  }

  #listed(root: Root, path: string, depth: number): OverlayDirectory {
    if (depth === 0) throw this.#tooMuch(path);
    const entries = new Map<string, OverlayNode>();
    for (const { name, kind } of root.list(path) ?? []) {
      if (--this.#left < 0) throw this.#tooMuch(path);
      // ostree does not copy devices, FIFOs and sockets.
      if (kind === 'other') continue;
      const at = `${path}/${name}`;
      const node =
        kind === 'directory' ? this.#whole(root, at, depth - 1) : this.#leaf(root, at, kind);
      if (node !== undefined) entries.set(name, node);
    }
    const foreign = foreignAt(root, path);
    const asBooted = path.replace(/^\/usr\/etc/, '/etc');
    return { kind: 'directory', entries, foreign: foreign && { ...foreign, path: asBooted } };
  }

  #leaf(root: Root | undefined, path: string, kind: Kind): OverlayNode | undefined {
    if (root === undefined || kind === undefined || kind === 'directory') return undefined;
    if (kind !== 'link') return { kind, root, path };
    return { kind, target: root.readLink(path) ?? '', foreign: foreignLink(root, path) };
  }

  /**
   * Whether a file of the same kind in `/etc` and `/usr/etc` differs from its default, in content, mode
   * or owner.
   */
  #differs(path: string, kind: Kind): boolean {
    const local = this.#local;
    if (local === undefined) return false;
    if (kind === 'other') return true;
    const [now, before] = [this.#stat(`/etc${path}`), this.#stat(`/usr/etc${path}`)];
    if (now === undefined || before === undefined) return true;
    if (now.mode !== before.mode || now.uid !== before.uid || now.gid !== before.gid) return true;
    if (kind === 'directory') return false;
    if (kind === 'link') return local.readLink(`/etc${path}`) !== local.readLink(`/usr/etc${path}`);
    if (now.size !== before.size || now.size > maxCompared) return true;
    return !hasSameContent(local, `/etc${path}`, `/usr/etc${path}`);
  }

  /** Looks at a file by its path, which is safe because the tree is the running system's own. */
  #stat(path: string) {
    try {
      const bytes = nameToBytes(join(this.#localPath, path));
      return lstatSync(bytes, { throwIfNoEntry: false });
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
      return undefined;
    }
  }

  #tooMuch(path: string) {
    return unreadableRoot(
      this.#id,
      `expected at most ${maxEntries} files in /etc, no deeper than ${maxDepth}; found more at /etc${path}`,
      'take out what does not belong into /etc',
    );
  }
}

/** Larger files of /etc count as changed. */
const maxCompared = 64 * 1024 * 1024;

type Kind = Entry['kind'] | undefined;

/** @returns false also if this process may not read the files; they can't be used then anyway. */
function hasSameContent(root: Root, a: string, b: string): boolean {
  try {
    const [first, second] = [a, b].map((path) => root.readFile(path, maxCompared)?.content);
    return first?.equals(second ?? Buffer.alloc(0)) === true;
  } catch (error) {
    if (isDenied(error)) return false;
    throw error;
  }
}

/** Whether a read failed because berth runs as a user who may not read the file. */
function isDenied(error: unknown): boolean {
  return error instanceof RootError && systemErrorCode(error.cause) === 'EACCES';
}

/**
 * The owner of a link if others than root made it. The view `present` reads links of all owners, so
 * the view `os` is asked, which refuses them.
 */
function foreignLink(root: Root, path: string): Foreign | undefined {
  try {
    root.as('os').readLink(path);
    return undefined;
  } catch (error) {
    if (error instanceof RootError && error.foreign !== undefined) {
      return { ...error.foreign, path: path.replace(/^\/usr\/etc/, '/etc') };
    }
    throw error;
  }
}

function foreignAt(root: Root | undefined, path: string): Foreign | undefined {
  return root?.lookup(path)?.foreign;
}

function entriesOf(root: Root | undefined, path: string): ReadonlyMap<string, Entry['kind']> {
  const entries = root?.lookup(path)?.kind === 'directory' ? root.list(path) : undefined;
  return new Map((entries ?? []).map(({ name, kind }) => [name, kind]));
}
