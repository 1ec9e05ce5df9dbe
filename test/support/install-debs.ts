import { execFileSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Suite } from './debian-root.ts';

/** Installs a package of a Debian release, with what it needs, into a root of this release. */
export function installDebs(root: string, suite: Suite, name: string): void {
  const script = fileURLToPath(new URL('../../scripts/debian-debs.sh', import.meta.url));
  const debs = execFileSync(script, [suite, name], { encoding: 'utf8' }).trim();
  const place = join(root, 'debs');
  cpSync(debs, place, { recursive: true });
  const install = ['-c', 'dpkg --install /debs/*.deb'];
  const environment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', DEBIAN_FRONTEND: 'noninteractive' };
  execFileSync('chroot', [root, 'sh', ...install], {
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  rmSync(place, { recursive: true });
}
