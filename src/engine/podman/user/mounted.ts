import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { systemErrorCode } from '../../../common/errors.ts';
import { trimmedEnd } from '../../../common/text/trimmed-end.ts';
import { textOf } from './text-of.ts';

/** In bytes: a longer fstab is cut short. */
const MAX_FSTAB = 1024 * 1024;

/**
 * Why a path is not what it will be: it lies below a mount point of /etc/fstab on which nothing is mounted.
 * Whatever was written there would be hidden, and fill another file system.
 *
 * @param others other names of the path, with links resolved.
 */
export function whyNotMounted(
  path: string,
  ...others: readonly string[]
): { readonly reason: string; readonly hint: string } | undefined {
  const mounted = new Set(mountPoints(textOf('/proc/self/mountinfo'), 4));
  const wanted = mountPoints(textOf('/etc/fstab').slice(0, MAX_FSTAB), 1);
  const point = notMountedOf(wanted, mounted, [path, ...others]);
  if (point === undefined) return undefined;
  return {
    reason: `${path} is on a file system that is not mounted: /etc/fstab mounts one on ${point}`,
    hint: `mount ${point}, and run the same command again`,
  };
}

/** The mount point above one of these paths that is wanted and not mounted. */
export function notMountedOf(
  wanted: readonly string[],
  mounted: ReadonlySet<string>,
  paths: readonly string[],
): string | undefined {
  const isBelow = (path: string, point: string) => path === point || path.startsWith(`${point}/`);
  return wanted.find((point) => !mounted.has(point) && paths.some((path) => isBelow(path, point)));
}

/**
 * The mount points in a file like fstab(5) or /proc/PID/mountinfo.
 *
 * @param field the field of the mount point, counted from 0.
 */
export function mountPoints(text: string, field: number): readonly string[] {
  return text.split('\n').flatMap((line) => {
    if (line.startsWith('#')) return [];
    const point = line.trim().split(/[ \t]+/)[field];
    if (point === undefined || !point.startsWith('/') || point === '/') return [];
    return [trimmedEnd(unescaped(point), '/')];
  });
}

/** Spaces and the like stand as octal numbers. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}

/** A path with the links above its last part resolved, if that exists. */
export function resolved(path: string): string {
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return path;
  }
}
