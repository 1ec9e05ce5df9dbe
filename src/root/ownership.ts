/** The owner, group and mode of a file, as the kernel or an archive states them. */
export interface Ownership {
  readonly uid: number;
  readonly gid: number;
  /** Only the permission bits are looked at. */
  readonly mode: number;
}

/** The first file or directory on the way to a path that others than root may write. */
export interface Foreign extends Ownership {
  /** Inside the root: the requested path itself, or a directory or link on the way to it. */
  readonly path: string;
}

const WRITABLE_BY_GROUP = 0o020;
const WRITABLE_BY_EVERYBODY = 0o002;
const STICKY = 0o1000;
const READABLE_BY_EVERYBODY = 0o004;
const SEARCHABLE_BY_EVERYBODY = 0o001;

/** A user and group whose writing counts as root's. */
export interface Trusted {
  readonly uid: number;
  readonly gid: number;
}

export const root: Trusted = { uid: 0, gid: 0 };

/**
 * The user of this process. A file that this user may write gains nothing by being read with the
 * rights of the same user. So a builder may read a tree of their own as if root owned it.
 */
export function reader(): Trusted {
  const uid = process.geteuid?.() ?? root.uid;
  return uid === root.uid ? root : { uid, gid: process.getegid?.() ?? root.gid };
}

/**
 * Whether others than root and the trusted user may write the file. Members of the group `root` count
 * as root: a build with umask 002 makes everything that it copies writable for the group.
 */
export function isForeign(owner: Ownership, trusted: Trusted): boolean {
  if (owner.uid !== root.uid && owner.uid !== trusted.uid) return true;
  if ((owner.mode & WRITABLE_BY_EVERYBODY) !== 0) return true;
  const isOwnGroup = owner.gid === root.gid || owner.gid === trusted.gid;
  return (owner.mode & WRITABLE_BY_GROUP) !== 0 && !isOwnGroup;
}

/**
 * Whether this is a sticky directory of root, such as /tmp: everybody may create entries in it, but
 * nobody may remove entries of others. A directory of root in it was put there by root. For a file of
 * root that is not certain: anybody who may write the directory where root created it could have moved it here.
 */
export function isShared({ uid, mode }: Ownership): boolean {
  return uid === root.uid && (mode & STICKY) !== 0;
}

/** Whether others made the link. Only the owner counts: the mode of every link is 0777. */
export function isForeignLink({ uid }: Ownership, trusted: Trusted): boolean {
  return uid !== root.uid && uid !== trusted.uid;
}

export function isReadableByEverybody({ mode }: Ownership): boolean {
  return (mode & READABLE_BY_EVERYBODY) !== 0;
}

/** Whether everybody may pass through the directory to its entries. */
export function isSearchableByEverybody({ mode }: Ownership): boolean {
  return (mode & SEARCHABLE_BY_EVERYBODY) !== 0;
}

/** The reason for a message: `which belongs to user 1001`. */
export function whyForeign({ uid, gid, mode }: Ownership): string {
  if (uid !== root.uid && uid !== reader().uid) return `which belongs to user ${uid}`;
  if ((mode & WRITABLE_BY_EVERYBODY) !== 0) return 'which everybody may write';
  return `which group ${gid} may write`;
}

/** The command, without the path, that makes the file root's. */
export function howToGiveToRoot({ uid }: Ownership): string {
  return uid !== root.uid && uid !== reader().uid ? 'chown root:root' : 'chmod go-w';
}
