import { readFileSync } from 'node:fs';
import { root } from './ownership.ts';

/**
 * The file systems that users mounted themselves (FUSE). Their own programs answer for these: a file is
 * owned by whom they say, and a look at one may be refused to root, or never end.
 */
export interface UserMounts {
  /** The user whose program answers, by the absolute path of the mount point. */
  readonly byPath: ReadonlyMap<string, number>;
  /** The same by st_dev. */
  readonly byDevice: ReadonlyMap<number, number>;
}

/**
 * Source: proc_pid_mountinfo(5); fs/fuse/inode.c of Linux, which shows the option `user_id`.
 *
 * @param text of /proc/self/mountinfo.
 */
export function userMounts(text: string): UserMounts {
  const byPath = new Map<string, number>();
  const byDevice = new Map<number, number>();
  for (const line of text.split('\n')) {
    const [, major = '', minor = '', path = '', options = ''] =
      /^\d+ \d+ (\d+):(\d+) \S+ (\S+) .* - fuse\S* \S+ (\S+)$/.exec(line) ?? [];
    const user = /(?:^|,)user_id=(\d+)/.exec(options)?.[1];
    if (user === undefined || Number(user) === root.uid) continue;
    byPath.set(unescaped(path), Number(user));
    byDevice.set(deviceOf(Number(major), Number(minor)), Number(user));
  }
  return { byPath, byDevice };
}

export function readUserMounts(): UserMounts {
  return userMounts(readFileSync('/proc/self/mountinfo', 'latin1'));
}

/** Blanks and backslashes stand as `\040`. */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}

/** As makedev(3) of glibc: for small numbers, which those of FUSE are. */
function deviceOf(major: number, minor: number): number {
  return (minor & 0xff) + (major & 0xfff) * 0x100 + (minor >> 8) * 0x10_0000;
}
