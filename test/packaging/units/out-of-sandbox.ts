import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { user } from '../host.ts';
import { type BootedUnits, change, journalOf, units, verified } from './booted-units.ts';

/** What programs in the sandboxes can ask others to do. */
export async function testOutOfSandbox(t: TestContext, { root, host }: BootedUnits): Promise<void> {
  const usersUnit = 'berth-activate-users.service';

  await t.test('bootc is asked out of each sandbox, each time anew', () => {
    // It looks whether it is in the namespace of the first process, enters one of its own, and mounts.
    const bootc =
      '#!/bin/sh\nset -e\nreadlink /proc/1/ns/mnt >&2\n' +
      'unshare -m sh -c "mount -t tmpfs none /mnt && umount /mnt"\necho "$*" $$\n';
    writeFileSync(join(root, 'usr/bin/bootc'), bootc, { mode: 0o755 });
    assert.equal(verified(host, `${units}/berth-bootc-status@.service`), '0');
    const ask = 'print IO::Socket::UNIX->new(substr($ENV{BERTH_BOOTC_STATUS}, 5))->getlines;';
    const program = `#!/usr/bin/perl\nuse IO::Socket::UNIX;\n${ask}\n`;
    writeFileSync(join(root, 'usr/bin/ask'), program, { mode: 0o755 });
    const all = ['reconcile', 'activate', 'gate'].map((name) => `berth-${name}.service`);
    for (const unit of all) {
      const command = unit.includes('gate') ? 'ExecStop' : 'ExecStart';
      change(host, unit, `${command}=`, `${command}=/usr/bin/ask`);
    }
    host.run('systemctl', 'start', 'berth-bootc-status.socket');
    host.run('systemctl', 'restart', ...all);
    host.run('systemctl', 'start', 'berth-reconcile.service');
    assert.equal(host.run('stat', '-c', '%a', '/run/berth/bootc-status.sock'), '600\n');
    const journal = host.run('journalctl', '-o', 'cat', ...all.map((unit) => `-u${unit}`));
    const answers = [...journal.matchAll(/^status --format=json (\d+)$/gm)].map(([, pid]) => pid);
    assert.equal(new Set(answers).size, 4, journal);
    for (const unit of all) change(host, unit);
    // From here on it says that this is no host of its own.
    const none = '#!/bin/sh\necho "asked: $*" >&2\necho \'{"status":{"booted":null}}\'\n';
    writeFileSync(join(root, 'usr/bin/bootc'), none);
  });

  await t.test('systemd starts a program of a user out of each sandbox', () => {
    // Also while the host goes down: with its default dependencies that would be refused.
    const words = '--pipe --quiet --collect --property=DefaultDependencies=no';
    const program = 'sh -c "id -un; grep NoNewPrivs /proc/self/status"';
    const all = ['reconcile', 'activate-users', 'gate'].map((name) => `berth-${name}.service`);
    for (const unit of all) {
      const command = unit.includes('gate') ? 'ExecStop' : 'ExecStart';
      const run = `${command}=/usr/bin/systemd-run ${words} --uid=${user.name} ${program}`;
      change(host, unit, `${command}=`, run);
      const journal = journalOf(host, unit);
      change(host, unit);
      assert.match(journal, new RegExp(`^${user.name}$`, 'm'), unit);
      assert.match(journal, /^NoNewPrivs:\t0$/m, unit);
    }
  });

  await t.test('podman runs as a user in the sandbox of the activation, and leaves nothing', () => {
    const become = `setpriv --reuid=${user.uid} --regid=${user.uid} --init-groups --inh-caps=-all`;
    const clean = `env -i HOME=${user.home} XDG_RUNTIME_DIR=/run/user/${user.uid} PATH=/usr/bin`;
    // The second joins the namespaces that the first one made.
    const podman = "podman info --format 'has {{.Store.GraphDriverName}}' && podman unshare id";
    const script = `#!/bin/sh\ncd / && exec ${become} ${clean} sh -c "${podman}"\n`;
    writeFileSync(join(root, 'usr/bin/as-user'), script, { mode: 0o755 });
    change(host, usersUnit, 'ExecStart=', 'ExecStart=/usr/bin/as-user');
    const journal = journalOf(host, usersUnit);
    change(host, usersUnit);
    assert.match(journal, /^uid=0\(root\) /m);
    const words = ['/proc', '-maxdepth', '1', '-uid', String(user.uid), '-name', '[0-9]*'];
    const left = host.run('find', ...words, '-exec', 'cat', '{}/comm', ';');
    assert.match(left, /^systemd$/m);
    assert.doesNotMatch(left, /podman|catatonit/);
    // The first podman of a user decides for all what the images are stored with.
    const chosen = /^has .*$/m.exec(journal)?.[0];
    host.run('rm', '-rf', `${user.home}/.local`);
    // In a service without a sandbox: what only enters the host has no cgroup there, which podman asks for.
    const outside = host.run('systemd-run', '--quiet', '--pipe', '--wait', '/usr/bin/as-user');
    assert.equal(/^has .*$/m.exec(outside)?.[0], chosen);
  });
}
