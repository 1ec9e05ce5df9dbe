import assert from 'node:assert/strict';

/** Runs a command in a root or on a host. @returns what the command prints. */
export type Run = (...command: string[]) => string;

const enabled = [
  'berth-activate-kubernetes.path',
  'berth-activate-users.service',
  'berth-activate.service',
  'berth-gate.service',
  'berth-reconcile.timer',
  'berth-stage.path',
];

/** What is in every package besides the program and its units. */
const besides = [
  '/usr/share/bash-completion/completions/berth',
  '/usr/share/doc/berth/NOTICES',
  '/usr/share/doc/berth/berth.spdx.json',
  '/usr/share/fish/vendor_completions.d/berth.fish',
];

/** What is installed works: the program, its units, its documents. */
export function testUsed(run: Run): void {
  assert.match(run('berth', '--version'), /^\d+\.\d+\.\d+\n$/);
  const example = '/usr/share/doc/berth/examples/os-a';
  assert.match(run('berth', 'images', example), /^registry\.example\.com\/acme\/web:1 +podman /m);
  assert.match(run('zcat', '/usr/share/man/man1/berth-stage.1.gz'), /^\.TH BERTH/m);
  assert.deepEqual(
    run('find', ...besides, '-type', 'f')
      .trim()
      .split('\n')
      .sort(),
    besides,
  );
  assert.match(run('find', '/usr/share/zsh', '-name', '_berth'), /^\S+\n$/);
  const units = run('find', '/usr/lib/systemd/system', '-name', 'berth-*').trim().split('\n');
  assert.equal(units.length, 11);
  // The template names bootc, which is not there.
  const whole = units.filter((unit) => !unit.includes('@'));
  assert.equal(run('sh', '-c', 'systemd-analyze verify --man=no "$@" 2>&1', 'sh', ...whole), '');
  assert.deepEqual(enabledUnits(run), enabled);
}

/** Which units of berth are enabled; none if berth is gone. */
export function enabledUnits(run: Run): string[] {
  const wanted = run('find', '/etc/systemd/system', '-type', 'l', '-name', 'berth-*');
  return [...new Set(wanted.match(/berth-[\w.-]+$/gm))].sort();
}
