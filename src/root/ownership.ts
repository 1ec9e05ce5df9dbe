/** The owner, group and mode of a file, as the kernel or an archive tells. */
export interface Ownership {
  readonly uid: number;
  readonly gid: number;
  /** The permission bits, and no more is looked at. */
  readonly mode: number;
}

/** The first thing on the way to a path that others than root may write. */
export interface Foreign extends Ownership {
  /** Inside the root; the path that was asked for, or a directory or link above it. */
  readonly path: string;
}

const WRITABLE_BY_GROUP = 0o020;
const WRITABLE_BY_EVERYBODY = 0o002;
const STICKY = 0o1000;
const READABLE_BY_EVERYBODY = 0o004;
const SEARCHABLE_BY_EVERYBODY = 0o001;

/** Whose writing counts as root's. */
export interface Trusted {
  readonly uid: number;
  readonly gid: number;
}

export const root: Trusted = { uid: 0, gid: 0 };

/**
 * The user of this process. What this user may write gains nothing by being read with this user's
 * rights, so a tree that its own builder reads is as good as root's.
 */
export function reader(): Trusted {
  const uid = process.geteuid?.() ?? root.uid;
  return uid === root.uid ? root : { uid, gid: process.getegid?.() ?? root.gid };
}

/**
 * Whether others than root and the trusted user may write it. The members of the group `root` count
 * as root: a build with the umask 002 gives the group the right to write to all that it copies.
 */
export function isForeign(owner: Ownership, trusted: Trusted): boolean {
  if (owner.uid !== root.uid && owner.uid !== trusted.uid) return true;
  if ((owner.mode & WRITABLE_BY_EVERYBODY) !== 0) return true;
  const isOwnGroup = owner.gid === root.gid || owner.gid === trusted.gid;
  return (owner.mode & WRITABLE_BY_GROUP) !== 0 && !isOwnGroup;
}

/**
 * Whether everybody may make entries in a directory of root's, and nobody may take those of others
 * away: a directory of root's in there is root's, for nobody else can have made or moved it there.
 * A file may be: whoever may write the directory in which root made it can rename it from there.
 */
export function isShared({ uid, mode }: Ownership): boolean {
  return uid === root.uid && (mode & STICKY) !== 0;
}

/** Whether the link was made by others. Everybody may "write" a link by its mode, which says nothing. */
export function isForeignLink({ uid }: Ownership, trusted: Trusted): boolean {
  return uid !== root.uid && uid !== trusted.uid;
}

export function isReadableByEverybody({ mode }: Ownership): boolean {
  return (mode & READABLE_BY_EVERYBODY) !== 0;
}

/** Whether everybody may go through the directory to what is in it. */
export function isSearchableByEverybody({ mode }: Ownership): boolean {
  return (mode & SEARCHABLE_BY_EVERYBODY) !== 0;
}

/** For messages: `which belongs to user 1001`. */
export function whyForeign({ uid, gid, mode }: Ownership): string {
  if (uid !== root.uid && uid !== reader().uid) return `which belongs to user ${uid}`;
  if ((mode & WRITABLE_BY_EVERYBODY) !== 0) return 'which everybody may write';
  return `which group ${gid} may write`;
}

/** What to do about it, as a command without the path. */
export function howToGiveToRoot({ uid }: Ownership): string {
  return uid !== root.uid && uid !== reader().uid ? 'chown root:root' : 'chmod go-w';
}
