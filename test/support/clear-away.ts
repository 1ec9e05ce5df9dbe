import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Programs that are ended take a while to go, on a busy machine a long one. */
const ATTEMPTS = 600;
const PAUSE_MS = 50;

/**
 * Removes a temporary directory with everything that a failed test may have left there: it ends the
 * programs whose command line or environment names the directory, and unmounts what lies below it.
 * podman for one cleans up after a container in a process of its own, which mounts the store again.
 */
export async function clearAway(directory: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const ended = endPrograms(directory);
    unmountBelow(directory);
    try {
      rmSync(directory, { recursive: true, force: true });
      if (ended === 0) return;
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
    await delay(PAUSE_MS);
  }
}

/** @returns how many there were. */
function endPrograms(directory: string): number {
  const pids = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => ['cmdline', 'environ'].some((file) => names(pid, file, directory)));
  for (const pid of pids) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It ended meanwhile.
    }
  }
  return pids.length;
}

function names(pid: string, file: string, directory: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8').includes(directory);
  } catch {
    // It ended meanwhile, or is another user's.
    return false;
  }
}

/** The last mount first. Lazily: a program inside may still be on its way out. */
function unmountBelow(directory: string): void {
  const places = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => unescaped(line.split(' ')[4] ?? ''))
    .filter((place) => place === directory || place.startsWith(`${directory}/`));
  for (const place of places.toReversed()) {
    execFileSync('umount', ['--quiet', '--lazy', place], { stdio: 'ignore' });
  }
}

/** mountinfo writes blanks and backslashes as three octal digits. */
function unescaped(place: string): string {
  return place.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
