import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Releases of Debian; scripts/debian-root.sh says which podman and systemd each has. */
export type Suite = 'bookworm' | 'trixie' | 'forky';

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
