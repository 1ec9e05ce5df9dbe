import { lstatSync } from 'node:fs';
import type { Account } from './account.ts';

/** The runtime directory of a user's podman. */
export interface Runtime {
  /** The value of `XDG_RUNTIME_DIR`; undefined to have podman choose, as in a service without a session. */
  readonly directory: string | undefined;
  /** Whether the directory does not exist as long as the user is not logged in. */
  readonly isAbsent: boolean;
}

/** The facts about a user that are known before podman runs. */
export interface Seen {
  /** Whether the user's manager runs from boot on. */
  readonly lingers: boolean;
  /** The runtime directories that exist and belong to the user. */
  readonly present: readonly string[];
  /** The present directories in which a podman has run since the boot. */
  readonly used: readonly string[];
  /** Whether the user's podman has a database, or may have one. */
  readonly isStored: boolean;
}

/** The runtime directory of a user who is logged in, or lingers: pam_systemd(8). */
export function userDirectory(uid: number): string {
  return `/run/user/${uid}`;
}

/** The directories that podman makes where it finds none: podman 5.4.2, podman 4.3.1. */
export function ownDirectories(uid: number): readonly string[] {
  return [`/tmp/storage-run-${uid}`, `/tmp/podman-run-${uid}`];
}

/**
 * Chooses the runtime directory. Two things depend on it:
 *
 * - podman writes it into its database when it makes that, and uses it for ever. A podman that was first run
 *   with /run/user/UID fails where that does not exist, in a `User=` service of a user who does not linger
 *   (4.3.1, 5.4.2); one that was first run with its own directory in /tmp works everywhere.
 * - crun finds running containers there. A podman with another directory takes them for ended.
 */
export function runtimeOf(uid: number, { lingers, present, used, isStored }: Seen): Runtime {
  const usual = userDirectory(uid);
  const [own = ''] = ownDirectories(uid);
  const isHere = present.includes(usual);
  if (lingers) return { directory: usual, isAbsent: !isHere };
  if (!isHere) return { directory: undefined, isAbsent: false };
  if (used.includes(usual)) return { directory: usual, isAbsent: false };
  const other = used[0] ?? (isStored ? usual : own);
  return { directory: other, isAbsent: false };
}

/** Whether podman fails because its database has the directory of a user who is not logged in now. */
export function needsUserDirectory(uid: number, words: string): boolean {
  return words.includes(userDirectory(uid));
}

/** Whether the user's manager runs from boot on: loginctl(1), `enable-linger`. */
export function doesLinger({ name }: Account): boolean {
  return lstatSync(`/var/lib/systemd/linger/${name}`, { throwIfNoEntry: false }) !== undefined;
}

/** The shell script that finds these facts, as the user. Its arguments are possible runtime directories. */
export const LOOK = `
for directory; do
  [ -d "$directory" ] && [ -O "$directory" ] || continue
  echo "present $directory"
  [ -e "$directory/libpod/tmp/pause.pid" ] && echo "used $directory"
done
for path in "$HOME/.local/share/containers/storage" "$HOME/.config/containers/storage.conf"; do
  [ -e "$path" ] && echo stored
done
exit 0`;

/** Reads the output of `LOOK`. */
export function seenIn(output: string): Omit<Seen, 'lingers'> {
  const lines = output.split('\n');
  const after = (word: string) =>
    lines.flatMap((line) => (line.startsWith(`${word} `) ? [line.slice(word.length + 1)] : []));
  return { present: after('present'), used: after('used'), isStored: lines.includes('stored') };
}
