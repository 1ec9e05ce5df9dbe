import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { debianRoot, type Suite } from './debian-root.ts';

export interface WrappedPodman {
  /** Debian trixie's (5.4.2) instead of the machine's own. */
  readonly trixie?: boolean;
  /** Debian forky's (5.8), or that of another release, instead of the machine's own. */
  readonly suite?: Suite | undefined;
  /** Locks that no other podman shares: by default all of a machine's are in one /dev/shm. */
  readonly ownLocks?: boolean;
}

/**
 * Makes a `podman` that runs in a mount namespace of its own.
 *
 * @param directory in /tmp; gets the program.
 * @returns a PATH on which it comes first.
 */
export function wrappedPodman(
  directory: string,
  { trixie = false, suite = trixie ? 'trixie' : undefined, ownLocks = false }: WrappedPodman,
): string {
  const root = suite === undefined ? '' : debianRoot(suite);
  const places = ['/proc', '/sys', '/dev', '/tmp'];
  const lines = [
    // podman unpacks in a chroot of its own, for which / must be a mount.
    ...(root ? [`mount --bind ${root} ${root}`] : []),
    ...(root ? places.map((place) => `mount --rbind ${place} ${root}${place}`) : []),
    ...(root ? [`mount -t tmpfs tmpfs ${root}/run`] : []),
    ...(ownLocks ? [`mount -t tmpfs tmpfs ${root}/dev/shm`] : []),
    `exec ${root ? `chroot ${root} ` : ''}/usr/bin/podman "$@"`,
  ];
  const programs = join(directory, 'programs');
  mkdirSync(programs, { recursive: true });
  const program = join(programs, 'podman');
  const unshare = 'unshare --mount --propagation private';
  writeFileSync(program, `#!/bin/sh\nexec ${unshare} sh -ec '\n${lines.join('\n')}' podman "$@"\n`);
  chmodSync(program, 0o755);
  return [programs, process.env['PATH']].join(delimiter);
}
