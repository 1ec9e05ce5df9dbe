import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** `trixie` has systemd 257 and podman 5.4.2, `bookworm` systemd 252 and podman 4.3.1. */
export type Suite = 'bookworm' | 'trixie';

const script = fileURLToPath(new URL('../../scripts/debian-root.sh', import.meta.url));

/** What containers need on a host that shares the machine's cgroups, in which it may not make its own. */
export const containerSettings: Readonly<Record<string, string>> = {
  'etc/containers/containers.conf':
    '[containers]\ncgroups = "disabled"\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n',
  'etc/containers/policy.json': '{"default":[{"type":"insecureAcceptAnything"}]}',
  'etc/hosts': '127.0.0.1 localhost\n',
};

/** The root of a Debian release, made once for every test, which copy it. */
export function debianRoot(suite: Suite): string {
  return execFileSync(script, [suite], { encoding: 'utf8' }).trim();
}
