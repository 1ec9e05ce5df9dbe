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

/** What the layer records of its owner and mode, as far as berth asks for it. */
export interface TreeRights {
  /** Only where others than root may write it. */
  readonly foreign?: Ownership;
  /** A directory such as `isShared` says. */
  readonly isShared?: true;
  /** Not everybody may read it, or go through it. */
  readonly isPrivate?: true;
}

export interface TreeDirectory {
  readonly kind: 'directory';
  layer: number;
  rights: TreeRights;
  readonly entries: Map<string, TreeNode>;
}

export interface TreeFile {
  readonly kind: 'file';
  readonly layer: number;
  readonly rights: TreeRights;
  readonly size: number;
  /** Where it is a file that berth reads. */
  readonly content?: Buffer;
  /** The first bytes, of programs that tell the architecture. */
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

/** @param rights root's own by default, as extractors make a directory that no layer has an entry for. */
export function emptyDirectory(layer: number, rights: TreeRights = rootsOwn): TreeDirectory {
  return { kind: 'directory', layer, rights, entries: new Map() };
}

/** One object for almost all files: an image may have a million. */
const rootsOwn: TreeRights = {};

export function rightsOf(kind: TreeNode['kind'], { uid, gid, mode }: Ownership): TreeRights {
  const owner = { uid, gid, mode };
  // A device may be everybody's to write, and is not read by anybody here.
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
