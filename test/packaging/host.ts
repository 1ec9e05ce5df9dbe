import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { writeRoot } from '../support/berth.ts';
import { containerSettings, debianRoot, type Suite } from '../support/debian-root.ts';
import { installDebs } from '../support/install-debs.ts';
import { install } from '../support/installed.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** Nothing listens there: what pulls, fails. */
const nowhere = '127.0.0.1:1';

/** In the place of what podman would run. */
const running =
  '[Service]\nType=exec\nExecStart=\nExecStart=/bin/sleep infinity\nExecStop=\nExecStopPost=\n';

const quadlets = 'etc/containers/systemd';
const services = 'etc/systemd/system';

/** A copy of a Debian root with berth installed and enabled by its presets. */
export function hostRoot(t: TestContext, suite: Suite): string {
  const root = join(temporaryDirectory(t), 'root');
  execFileSync('cp', ['-a', '--reflink=auto', debianRoot(suite), root]);
  // The other roots have it already.
  if (suite === 'forky') installDebs(root, suite, 'ostree');
  install(root);
  writeRoot(root, {
    ...containerSettings,
    // As distributions for servers and images have it; Debian enables everything.
    'usr/lib/systemd/system-preset/99-default.preset': 'disable *\n',
    ...(hasQuadlet(suite) ? quadletUnits() : plainUnits()),
    ...unitsOfUser,
    ...engineUnits(),
  });
  appendFileSync(
    join(root, 'etc/passwd'),
    `${user.name}:*:${user.uid}:${user.uid}::${user.home}:/bin/sh\n`,
  );
  appendFileSync(join(root, 'etc/group'), `${user.name}:*:${user.uid}:\n`);
  const units = [
    'activate.service',
    'activate-users.service',
    'activate-kubernetes.path',
    'gate.service',
    'reconcile.service',
    'reconcile.timer',
    'stage.path',
  ];
  const names = [...units, 'bootc-status.socket'].map((unit) => `berth-${unit}`);
  execFileSync('systemctl', [`--root=${root}`, 'preset', ...names], { stdio: 'ignore' });
  return root;
}

export function hasQuadlet(suite: Suite): boolean {
  return suite !== 'bookworm';
}

function quadletUnits(): Record<string, string> {
  return {
    ...Object.fromEntries(
      ['present', 'absent'].flatMap((name) => [
        [`${quadlets}/${name}.image`, `[Image]\nImage=${nowhere}/${name}:1\n`],
        [
          `${quadlets}/use-${name}.container`,
          `[Container]\nImage=${name}.image\n[Install]\nWantedBy=multi-user.target\n`,
        ],
        [`${services}/use-${name}.service.d/running.conf`, running],
      ]),
    ),
    [`${quadlets}/early.container`]:
      `[Unit]\nDefaultDependencies=no\nBefore=sysinit.target\n[Quadlet]\nDefaultDependencies=false\n` +
      `[Container]\nImage=${nowhere}/early:1\n[Install]\nWantedBy=sysinit.target\n`,
    [`${services}/early.service.d/running.conf`]: running,
  };
}

/** As an administrator orders services without Quadlet. */
function plainUnits(): Record<string, string> {
  const after = '[Unit]\nAfter=berth-activate.service\n';
  const early = 'DefaultDependencies=no\nBefore=sysinit.target\n';
  return {
    [`${services}/early.service`]: `${after}${early}${running}`,
    [`${services}/sysinit.target.wants/early.service`]: '-> ../early.service',
    [`${services}/use-present.service`]: `${after}${running}`,
    [`${services}/multi-user.target.wants/use-present.service`]: '-> ../use-present.service',
  };
}

/** The services of engines, which berth's drop-ins add to, and of what needs an engine. Nothing starts them. */
function engineUnits(): Record<string, string> {
  return Object.fromEntries(
    [...engines, 'kubelet'].map((name) => [
      `${services}/${name}.service`,
      '[Service]\nType=exec\nExecStart=/bin/sleep infinity\n',
    ]),
  );
}

/** The engines with a service of their own. */
export const engines = ['docker', 'containerd', 'crio'] as const;

/** The user of the host, who lingers, so that the boot starts a systemd of this user. */
export const user = { name: 'someone', uid: 1000, home: '/var/home/someone' };

/** A service that runs as the user, and what the user's systemd needs in a root without libpam-systemd. */
const unitsOfUser: Readonly<Record<string, string>> = {
  [`var/lib/systemd/linger/${user.name}`]: '',
  'etc/subuid': `${user.name}:100000:65536\n`,
  'etc/subgid': `${user.name}:100000:65536\n`,
  'usr/lib/tmpfiles.d/home.conf': `d /var/home 0755\nd ${user.home} 0700 ${user.name} ${user.name}\n`,
  'etc/systemd/system/user@.service.d/test.conf':
    '[Service]\nEnvironment=XDG_RUNTIME_DIR=/run/user/%i\n',
  [`${services}/as-user.service`]: `[Service]\nUser=${user.name}\nType=exec\nExecStart=/bin/sleep infinity\n`,
  [`${services}/multi-user.target.wants/as-user.service`]: '-> ../as-user.service',
  'var/lib/berth/activate-users': '',
};

/** The places of an ostree host, in which its program can deploy. */
export function addSysroot(root: string): void {
  mkdirSync(join(root, 'sysroot/boot'), { recursive: true });
  rmSync(join(root, 'ostree'), { recursive: true, force: true });
  symlinkSync('sysroot/ostree', join(root, 'ostree'));
  const tree = join(root, 'root/tree');
  writeRoot(tree, {
    'usr/etc/hostname': 'acme\n',
    'usr/lib/modules/6.1/vmlinuz': 'kernel',
    'usr/lib/modules/6.1/initramfs.img': 'initramfs',
    'usr/lib/os-release': 'ID=acme\nPRETTY_NAME=acme\n',
    ostree: '-> sysroot/ostree',
  });
  for (const name of ['var', 'sysroot', 'boot', 'proc', 'dev', 'run', 'sys', 'tmp']) {
    mkdirSync(join(tree, name));
  }
}
