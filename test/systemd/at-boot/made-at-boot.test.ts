import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readKernelArguments } from '../../../src/systemd/at-boot/kernel-arguments.ts';
import { container, discovered, rootOf, type Tree, units } from '../../support/tree.ts';

const usr = '/usr/lib/systemd/system';
const kargs = '/usr/lib/bootc/kargs.d';
const base: Tree = {
  [`${usr}/default.target`]: '-> multi-user.target',
  [`${usr}/multi-user.target`]: '[Unit]\nWants=local-fs.target\n',
  [`${usr}/kiosk.target`]: '[Unit]\n',
  [`${usr}/local-fs.target`]: '[Unit]\n',
  [`${units}/a.container`]: `${container('q.io/a:1')}[Install]\nWantedBy=multi-user.target\n`,
  [`${units}/b.container`]: container('q.io/b:1'),
  [`${units}/k.container`]: `${container('q.io/k:1')}[Install]\nWantedBy=kiosk.target\n`,
};

const cases: readonly (readonly [name: string, tree: Tree, starts: readonly string[]])[] = [
  ['nothing', {}, ['a boot', 'b none', 'k none']],
  [
    'systemd.unit= in kargs.d',
    { [`${kargs}/10.toml`]: 'kargs = ["quiet", "systemd.unit=kiosk.target"]\n' },
    ['a none', 'b none', 'k boot'],
  ],
  [
    'systemd.wants= and systemd.mask= in kargs.d',
    { [`${kargs}/10.toml`]: 'kargs = ["systemd.wants=b", "systemd.mask=a.service"]\n' },
    ['b boot', 'k none'],
  ],
  [
    'kargs.d for another architecture, and broken',
    {
      [`${kargs}/10.toml`]:
        'kargs = ["systemd.wants=b.service"]\nmatch-architectures = ["aarch64"]\n',
      [`${kargs}/20.toml`]: 'kargs = ["systemd.wants=b.service"\n',
      [`${kargs}/30.txt`]: 'kargs = ["systemd.wants=b.service"]\n',
    },
    ['a boot', 'b none', 'k none'],
  ],
  [
    'the command line of kernel-install, that in /etc in place of the other',
    {
      '/etc/kernel/cmdline': 'root=LABEL=x systemd.wants=b.service\n',
      '/usr/lib/kernel/cmdline': 'systemd.mask=a.service\n',
    },
    ['a boot', 'b boot', 'k none'],
  ],
  [
    'a mount of fstab that requires a service',
    { '/etc/fstab': '/dev/vdb /data ext4 defaults,x-systemd.requires=b.service 0 2\n' },
    ['a boot', 'b boot', 'k none'],
  ],
  [
    'a mount of fstab that a service wants, and that requires another',
    {
      '/etc/fstab':
        '/dev/vdb /da\\040ta ext4 noauto,x-systemd.wanted-by=a.service,x-systemd.requires=b.service\n',
    },
    ['a boot', 'b boot', 'k none'],
  ],
  [
    'a mount of fstab that nothing starts',
    { '/etc/fstab': '/dev/vdb /data ext4 noauto,x-systemd.requires=b.service 0 2\n' },
    ['a boot', 'b none', 'k none'],
  ],
];

for (const [name, tree, expected] of cases) {
  test(`what starts with ${name}`, async (t) => {
    const { references } = await discovered(t, { ...base, ...tree });
    const found = references.map(
      ({ unit, activation }) => `${unit.replace('.service', '')} ${activation}`,
    );
    assert.deepEqual(found, expected);
  });
}

test('words of the kernel’s command line may be quoted, and are bounded to valid names', async (t) => {
  const line =
    'systemd.wants="x.service" "systemd.mask=y.service" systemd.wants=/no rd.systemd.wants=z';
  const root = rootOf(t, {
    '/usr/lib/kernel/cmdline': `${line} systemd.unit=a systemd.unit=b.target`,
  });
  assert.deepEqual(await readKernelArguments(root, '/etc', 'x86-64'), {
    unit: 'b.target',
    wants: ['x.service'],
    masked: ['y.service'],
  });
});
