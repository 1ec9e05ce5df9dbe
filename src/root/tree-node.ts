import {
  isForeign,
  isForeignLink,
  isReadableByEverybody,
  isSearchableByEverybody,
  isShared,
  type Ownership,
  root,
} from './ownership.ts';

/** A file of an image, in memory. */
export type TreeNode = TreeDirectory | TreeFile | TreeLink | TreeOther;

/** The parts of a file's owner and mode that berth uses. */
export interface TreeRights {
  /** Set if others than root may write the file. */
  readonly foreign?: Ownership;
  /** Set for a directory that is shared in the sense of `isShared`. */
  readonly isShared?: true;
  /** Set if not everybody may read the file, or pass through the directory. */
  readonly isPrivate?: true;
}

export interface TreeDirectory {
  readonly kind: 'directory';
  layer: number;
  /** The layer that has removed all entries of lower layers. */
  swept: number;
  rights: TreeRights;
  readonly entries: Map<string, TreeNode>;
}

export interface TreeFile {
  readonly kind: 'file';
  readonly layer: number;
  readonly rights: TreeRights;
  readonly size: number;
  /** Set for files that berth may read. */
  readonly content?: Buffer;
  /** The first bytes, set for programs that tell the architecture. */
  readonly start?: Buffer;
}

export interface TreeLink {
  readonly kind: 'link';
  readonly layer: number;
  readonly rights: TreeRights;
  readonly target: string;
}

export interface TreeOther {
  readonly kind: 'other';
  readonly layer: number;
  readonly rights: TreeRights;
}

/**
 * @param rights those of a directory of root by default. Extractors create directories that no layer
 * has an entry for in this way.
 */
export function emptyDirectory(layer: number, rights: TreeRights = rootsOwn): TreeDirectory {
  return { kind: 'directory', layer, swept: layer, rights, entries: new Map() };
}

/** Almost all files share this object, since an image may have a million files. */
export const rootsOwn: TreeRights = {};

export function rightsOf(kind: TreeNode['kind'], { uid, gid, mode }: Ownership): TreeRights {
  const owner = { uid, gid, mode };
  // Devices are often writable for everybody. That does no harm, because berth reads no devices.
  const isWritable = kind !== 'other' && isForeign(owner, root);
  const foreign = kind === 'link' ? isForeignLink(owner, root) : isWritable;
  const isPublic =
    kind === 'directory' ? isSearchableByEverybody(owner) : isReadableByEverybody(owner);
  if (!foreign && isPublic) return rootsOwn;
  return {
    ...(foreign ? { foreign: owner } : {}),
    ...(kind === 'directory' && isShared(owner) ? { isShared: true } : {}),
    ...(isPublic ? {} : { isPrivate: true }),
  };
}
