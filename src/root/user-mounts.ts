import { readFileSync } from 'node:fs';
import { root } from './ownership.ts';

/**
 * The file systems that users mounted themselves (FUSE). A program of the user serves such a file
 * system: it decides who owns a file, may refuse root, or may never answer.
 */
export interface UserMounts {
  /** The user whose program serves the file system, by the absolute path of the mount point. */
  readonly byPath: ReadonlyMap<string, number>;
  /** The same users, by st_dev. */
  readonly byDevice: ReadonlyMap<number, number>;
}

/**
 * Source: proc_pid_mountinfo(5); fs/fuse/inode.c of Linux, which prints the option `user_id`.
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

/** Decodes octal escapes: mountinfo writes a blank as `\040`. */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}

/** The same as makedev(3) of glibc for small numbers, such as those of FUSE. */
function deviceOf(major: number, minor: number): number {
  return (minor & 0xff) + (major & 0xfff) * 0x100 + (minor >> 8) * 0x10_0000;
}
