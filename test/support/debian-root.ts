import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** `trixie` has systemd 257 and podman 5.4.2, `bookworm` systemd 252 and podman 4.3.1. */
export type Suite = 'bookworm' | 'trixie';

const script = fileURLToPath(new URL('../../scripts/debian-root.sh', import.meta.url));

/** The root of a Debian release, made once for every test, which copy it. */
export function debianRoot(suite: Suite): string {
  return execFileSync(script, [suite], { encoding: 'utf8' }).trim();
}
