import { type BigIntStats, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { systemErrorCode } from './errors.ts';

/** How many of the processes that share a lock are named. */
const NAMED = 3;

/**
 * The processes that hold a lock on a file, in words for people: `process 4711 (python3, user 1000)`.
 *
 * @param except a process to leave out.
 * @returns undefined if no such process is visible, for instance because it is in another pid namespace.
 */
export function lockHolders(path: string, except?: number): string | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  const all = stats === undefined ? [] : holdersOf(stats);
  const holders = all.filter((pid) => pid !== except);
  if (holders.length === 0) return undefined;
  const named = holders.slice(0, NAMED).map(describe);
  const rest = holders.length - named.length;
  return named.join(', ') + (rest === 0 ? '' : ` and ${rest} more`);
}

/**
 * Finds the holders of a lock. /proc/locks shows the holder of a POSIX lock to everybody
 * (proc_locks(5)). For a lock of an open file description it shows no process, and on btrfs another
 * device than stat(2). In these cases the descriptors of all readable processes are searched.
 */
function holdersOf(stats: BigIntStats): readonly number[] {
  const listed = new Set<number>();
  for (const line of lines('/proc/locks')) {
    const [, pid, major = '', minor = '', inode] =
      /^\d+: POSIX +\S+ +\S+ +(\d+) +([0-9a-f]+):([0-9a-f]+):(\d+) /.exec(line) ?? [];
    const isOfFile =
      inode === String(stats.ino) && deviceOf(stats.dev) === `${hex(major)}:${hex(minor)}`;
    if (pid !== undefined && isOfFile) listed.add(Number(pid));
  }
  if (listed.size > 0) return [...listed];
  return entries('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => entries(`/proc/${pid}/fdinfo`).some((fd) => holds(pid, fd, stats)))
    .map(Number);
}

function holds(pid: string, fd: string, { dev, ino }: BigIntStats): boolean {
  const isLocked = lines(`/proc/${pid}/fdinfo/${fd}`).some(
    (line) => line.startsWith('lock:') && line.includes(`:${ino} `),
  );
  if (!isLocked) return false;
  const file = statSync(`/proc/${pid}/fd/${fd}`, { bigint: true, throwIfNoEntry: false });
  return file?.dev === dev && file.ino === ino;
}

function describe(pid: number): string {
  const user = lines(`/proc/${pid}/status`)
    .map((line) => /^Uid:\t(\d+)/.exec(line)?.[1])
    .find((uid) => uid !== undefined);
  return user === undefined ? `process ${pid}` : `process ${pid} (${programOf(pid)}, user ${user})`;
}

/** The name of the executable of a process, or its `comm` if the executable may not be looked at. */
function programOf(pid: number): string {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`)).replace(/ \(deleted\)$/, '');
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return lines(`/proc/${pid}/comm`)[0] ?? '';
  }
}

/** A device as `major:minor`, split as by makedev(3) of glibc. */
function deviceOf(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & ~0xffn);
  return `${major}:${minor}`;
}

function hex(digits: string): number {
  return Number.parseInt(digits, 16);
}

/** The lines of a file in /proc; none if the process has ended or may not be looked at. */
function lines(path: string): readonly string[] {
  return attempted(() => readFileSync(path, 'utf8').split('\n'));
}

function entries(directory: string): readonly string[] {
  return attempted(() => readdirSync(directory));
}

function attempted(read: () => readonly string[]): readonly string[] {
  try {
    return read();
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return [];
  }
}
