import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { container, writeRoot } from '../support/berth.ts';
import { type BootedHost, bootHost } from '../support/booted-host.ts';
import type { Suite } from '../support/debian-root.ts';
import { buildImage } from '../support/image-builder.ts';
import { executable } from '../support/installed.ts';
import { startRegistry } from '../support/registry.ts';
import { addSysroot, engines, hasQuadlet, hostRoot, user } from './host.ts';
import { odd, oddImage } from './odd-image.ts';
import { StandIn } from './stand-in.ts';

const units = '/usr/lib/systemd/system';

/** What none may be above: in tenths of systemd's own measure, of which 252 and 257 have each their own. */
const exposure = {
  'berth-activate.service': 32,
  'berth-activate-kubernetes.service': 12,
  'berth-activate-users.service': 39,
  'berth-gate.service': 16,
  'berth-reconcile.service': 21,
  'berth-watch.service': 22,
  'berth-bootc-status@.service': 43,
};

/** When to give up what is waited for: far later than any busy machine. */
const limit = { timeout: 900_000 };

test('the units under systemd 252, with podman 4.3', (t) => underSystemd(t, 'bookworm'));
test('the units under systemd 257, with podman 5.4', (t) => underSystemd(t, 'trixie'));

async function underSystemd(t: TestContext, suite: Suite): Promise<void> {
  const root = hostRoot(t, suite);
  addSysroot(root);
  const standIn = new StandIn(root);
  let host = await bootHost(t, root);
  const show = (unit: string, property: string) =>
    host.run('systemctl', 'show', '-P', property, unit).trim();
  const at = (unit: string, event: string) => Number(show(unit, `${event}TimestampMonotonic`));

  await t.test('systemd has nothing to say of them', () => {
    const names = host.run('find', units, '-name', 'berth-*').trim().split('\n');
    assert.equal(names.length, 11);
    // That one names a program that is not there.
    assert.equal(verified(host, ...names.filter((name) => !name.includes('@'))), '0');
  });

  for (const [unit, most] of Object.entries(exposure)) {
    await t.test(`the sandbox of ${unit}`, () => {
      const words = ['--no-pager', '--offline=true', `--threshold=${most}`, unit];
      const said = host.run('sh', '-c', 'systemd-analyze security "$@"; echo $?', 'sh', ...words);
      assert.equal(said.trim().split('\n').at(-1), '0', said);
    });
  }

  await t.test('what they leave is for root alone', () => {
    const names = [
      'activate',
      'activate-kubernetes',
      'activate-users',
      'gate',
      'reconcile',
      'watch',
    ];
    for (const name of names) {
      const unit = `berth-${name}.service`;
      assert.deepEqual([show(unit, 'StateDirectoryMode'), show(unit, 'UMask')], ['0700', '0077']);
    }
    assert.equal(host.run('stat', '-c', '%a', '/var/lib/berth'), '700\n');
  });

  await t.test('the presets enable what starts the others', () => {
    const enabled = [
      'berth-activate.service',
      'berth-activate-kubernetes.path',
      'berth-gate.service',
      'berth-stage.path',
      'berth-reconcile.timer',
    ];
    assert.equal(show('berth-activate-users.service', 'UnitFileState'), 'enabled');
    for (const unit of enabled) assert.equal(show(unit, 'ActiveState'), 'active', unit);
    assert.match(show('berth-reconcile.timer', 'NextElapseUSecMonotonic'), /^\d/);
    assert.equal(show('berth-reconcile.service', 'ActiveState'), 'inactive');
    assert.equal(show('berth-watch.service', 'UnitFileState'), 'disabled');
    assert.equal(show('berth-bootc-status.socket', 'ConditionResult'), 'no');
  });

  await t.test('containers come after the activation, and nothing is in a circle', () => {
    const activated = at('berth-activate.service', 'ActiveEnter');
    assert.ok(activated > 0);
    const containers = ['early.service', 'use-present.service'];
    if (hasQuadlet(suite)) containers.push('absent-image.service');
    for (const unit of containers) {
      assert.ok(at(unit, 'InactiveExit') >= activated, unit);
    }
    assert.ok(at('early.service', 'ActiveEnter') <= at('sysinit.target', 'ActiveEnter'));
    assert.doesNotMatch(host.run('journalctl', '-b', '-o', 'cat'), /ordering cycle/i);
    const asked = ['absent', 'present'].map(
      (name) => `activate --pull-needed ${name}-image.service`,
    );
    assert.deepEqual(standIn.calls('activate').toSorted(), [
      'activate --for system',
      'activate --for users',
      ...(hasQuadlet(suite) ? asked : []),
    ]);
  });

  const usersUnit = 'berth-activate-users.service';
  const manager = `user@${user.uid}.service`;

  await t.test('services and managers of users come after the activation for users', () => {
    const ended = at(usersUnit, 'InactiveEnter');
    assert.ok(at(usersUnit, 'InactiveExit') >= at('sysinit.target', 'ActiveEnter'));
    assert.ok(ended > 0 && ended <= at('basic.target', 'ActiveEnter'));
    for (const unit of [manager, 'as-user.service']) {
      assert.equal(show(unit, 'ActiveState'), 'active', unit);
      assert.ok(at(unit, 'InactiveExit') >= ended, unit);
    }
  });

  await t.test('a host that has no images for users waits for nothing', () => {
    // With this order the whole boot would wait for berth-activate.service.
    assert.doesNotMatch(show(usersUnit, 'After'), /berth-activate\.service/);
    const calls = standIn.calls('activate').length;
    rmSync(join(root, 'var/lib/berth/activate-users'));
    host.run('systemctl', 'restart', usersUnit);
    assert.equal(show(usersUnit, 'ConditionResult'), 'no');
    assert.equal(standIn.calls('activate').length, calls);
    writeFileSync(join(root, 'var/lib/berth/activate-users'), '');
  });

  await t.test('a manager of a user starts whatever comes of the activation', () => {
    change(host, usersUnit, 'TimeoutStartSec=1s');
    for (const [end, result] of [
      [1, 'exit-code'],
      ['SIGSTOP', 'timeout'],
    ] as const) {
      standIn.answer('activate', end);
      host.run('systemctl', 'stop', manager);
      host.run('systemctl', 'start', usersUnit, manager);
      assert.equal(show(usersUnit, 'Result'), result);
      assert.equal(show(manager, 'ActiveState'), 'active');
      assert.ok(at(manager, 'InactiveExit') >= at(usersUnit, 'InactiveEnter'));
    }
    standIn.answer('activate', 3);
    host.run('systemctl', 'restart', usersUnit);
    assert.equal(show(usersUnit, 'Result'), 'success', 'a root that is not ready');
    change(host, usersUnit);
  });

  if (hasQuadlet(suite)) {
    await t.test('an image that is there is not pulled, and what requires it starts', () => {
      assert.equal(show('present-image.service', 'Result'), 'exec-condition');
      assert.equal(show('present-image.service', 'ActiveState'), 'inactive');
      assert.match(show('use-present.service', 'Requires'), /present-image\.service/);
      assert.equal(show('use-present.service', 'ActiveState'), 'active');
      assert.equal(show('absent-image.service', 'Result'), 'exit-code', 'it pulls');
      assert.equal(show('use-absent.service', 'ActiveState'), 'inactive');
      const failed = host.run('systemctl', '--failed', '--plain', '--no-legend');
      assert.doesNotMatch(failed, /present|berth/);
    });
  }

  await t.test('an activation that fails holds nothing up', () => {
    const both = ['berth-activate.service', 'use-present.service'];
    host.run('systemctl', 'stop', ...both);
    standIn.answer('activate', 1);
    host.run('systemctl', 'start', ...both);
    assert.equal(show('berth-activate.service', 'ActiveState'), 'failed');
    assert.equal(show('use-present.service', 'ActiveState'), 'active');
    // A root that is not ready is no failure of the unit: its first boot may well be that.
    standIn.answer('activate', 3);
    host.run('systemctl', 'restart', 'berth-activate.service');
    assert.equal(show('berth-activate.service', 'ActiveState'), 'active');
  });

  await t.test('an engine counts as started once its activation has ended, however it ends', () => {
    const services = engines.map((name) => `${name}.service`);
    assert.equal(verified(host, 'kubelet.service', ...services), '0');
    // It makes the record of a first boot, without which they would find nothing to do.
    for (const unit of services) assert.match(show(unit, 'After'), /\bberth-activate\.service\b/);
    for (const end of [0, 1, 3, 'SIGKILL'] as const) {
      standIn.answer('activate', end);
      const before = standIn.calls('activate').length;
      host.run('systemctl', 'start', ...services, 'kubelet.service');
      const calls = standIn.calls('activate').slice(before).toSorted();
      assert.deepEqual(calls, engines.map((name) => `activate --for ${name}`).toSorted());
      for (const unit of services) {
        assert.equal(show(unit, 'ActiveState'), 'active', `${unit} ${end}`);
        // The stand-in for berth takes half a second.
        assert.ok(at(unit, 'ActiveEnter') - at(unit, 'InactiveExit') >= 500_000, unit);
        assert.ok(at('kubelet.service', 'InactiveExit') >= at(unit, 'ActiveEnter'), unit);
      }
      host.run('systemctl', 'stop', 'kubelet.service', ...services);
    }
  });

  await t.test(
    'the containerd of a Kubernetes is given its images once, when it listens',
    limit,
    async ({ signal }) => {
      standIn.answer('activate', 3);
      const before = standIn.calls('activate').length;
      const socket = '/run/k3s/containerd/containerd.sock';
      host.run('install', '-D', '/dev/null', socket);
      const unit = 'berth-activate-kubernetes.service';
      await until(signal, () => show(unit, 'ActiveState') === 'active');
      const run = show(unit, 'InvocationID');
      host.run('systemctl', 'restart', 'berth-activate-kubernetes.path');
      assert.equal(show(unit, 'InvocationID'), run);
      assert.deepEqual(standIn.calls('activate').slice(before), ['activate --for containerd']);
    },
  );

  await t.test('a berth that hangs keeps no engine from its start', () => {
    standIn.answer('activate', 'SIGSTOP');
    for (const name of engines) {
      const file = `${units}/${name}.service.d/10-berth.conf`;
      const command = /^ExecStartPost=(.*)$/m.exec(host.run('cat', file))?.[1] ?? '';
      assert.match(command, / 5m /);
      const sooner = `ExecStartPost=${command.replace(' 5m ', ' 1s ')}`;
      change(host, `${name}.service`, 'ExecStartPost=', sooner);
      host.run('systemctl', 'start', `${name}.service`);
      assert.equal(show(`${name}.service`, 'ActiveState'), 'active');
      host.run('systemctl', 'stop', `${name}.service`);
      change(host, `${name}.service`);
    }
  });

  await t.test(
    'what is queued, deployed or removed is reconciled, once',
    limit,
    async ({ signal }) => {
      let times = 0;
      const reconciled = async () => {
        await standIn.called('reconcile', ++times, signal);
        // A change that comes while the service ends is not seen.
        await until(signal, () => show('berth-stage.path', 'SubState') === 'waiting');
      };
      const marker = '/run/ostree/staged-deployment';
      // As ostree does: whole, by a rename; the directory may be new too.
      const stage =
        'mkdir -p /run/ostree && echo "$1" >/run/ostree/.new && mv /run/ostree/.new "$0"';
      host.run('rm', '-rf', '/run/ostree');
      host.run('sh', '-c', stage, marker, 'one');
      await reconciled();
      host.run('sh', '-c', stage, marker, 'two');
      await reconciled();
      host.run('rm', marker);
      await reconciled();
      // It makes deployments immutable otherwise, even for the end of the test.
      const mutable = 'OSTREE_SYSROOT_DEBUG=mutable-deployments';
      const admin = (...words: string[]) => host.run('env', mutable, 'ostree', 'admin', ...words);
      admin('init-fs', '/sysroot');
      await until(signal, () => show('berth-stage.path', 'SubState') === 'waiting');
      host.run('ostree', '--repo=/ostree/repo', 'commit', '-b', 'acme/1', '--tree=dir=/root/tree');
      times = standIn.calls('reconcile').length;
      admin('os-init', '--sysroot=/sysroot', 'acme');
      await reconciled();
      for (const serial of [0, 1]) {
        admin('deploy', '--sysroot=/sysroot', '--os=acme', 'acme/1');
        await reconciled();
        assert.match(admin('status', '--sysroot=/sysroot'), new RegExp(`\\.${serial}\\b`));
      }
      admin('undeploy', '--sysroot=/sysroot', '1');
      await reconciled();
      assert.equal(standIn.calls('reconcile').length, times, 'no more than once each');
    },
  );

  await t.test('only what could not be reached is tried again', limit, async ({ signal }) => {
    const unit = 'berth-reconcile.service';
    assert.equal(show(unit, 'RestartUSec'), '5min');
    change(host, unit, 'RestartSec=1ms');
    const before = standIn.calls('reconcile').length;
    standIn.answer('reconcile', 5);
    host.run('systemctl', 'start', '--no-block', unit);
    await standIn.called('reconcile', before + 3, signal);
    standIn.answer('reconcile', 0);
    await until(signal, () => show(unit, 'ActiveState') === 'inactive');
    const failing = (what: string) => {
      const calls = standIn.calls('reconcile').length;
      host.run('systemctl', 'start', unit);
      assert.equal(show(unit, 'SubState'), 'failed', what);
      return standIn.calls('reconcile').length - calls;
    };
    for (const end of [1, 2, 3, 4, 7, 13, 'SIGTERM', 'SIGKILL', 'SIGABRT', 'SIGSEGV'] as const) {
      standIn.answer('reconcile', end);
      assert.equal(failing(String(end)), 1);
    }
    standIn.answer('reconcile', 'SIGSTOP');
    change(host, unit, 'TimeoutStartSec=1s');
    failing('it takes too long');
    assert.equal(show(unit, 'Result'), 'timeout');
    change(host, unit, 'ExecStart=', 'ExecStart=/nowhere/berth reconcile');
    failing('there is no berth');
    assert.equal(show(unit, 'ExecMainStatus'), '203');
    change(host, unit);
  });

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
    assert.equal(/^has .*$/m.exec(host.run('/usr/bin/as-user'))?.[0], chosen);
  });

  const registry = await startRegistry();
  t.after(() => registry.close());
  const name = `${registry.host}/odd:1`;
  registry.push('app:1', buildImage({ layers: [{ files: { 'etc/app': 'one' } }] }));
  registry.push('odd:1', oddImage());
  const insecure = `[[registry]]\nlocation = "${registry.host}"\ninsecure = true\n`;
  const berth = (...words: string[]) =>
    host.run('sh', '-c', '"$@"; echo $?', 'sh', 'berth', ...words);
  const imageOf = (image: string) =>
    host.run('podman', 'image', 'inspect', '--format', '{{.Id}}', image).trim();

  await t.test('berth stages on podman out of its sandbox', limit, async ({ signal }) => {
    copyFileSync(executable(), join(root, 'usr/bin/berth'));
    writeRoot(root, {
      'etc/containers/registries.conf': insecure,
      'etc/berth/berth.toml':
        '[directories]\nroots = [{ path = "/srv/old" }, { path = "/srv/next", id = "next" }]\nactive = { file = "/srv/active" }\n',
      'srv/active': '/srv/old\n',
      'srv/old/etc/hostname': 'old\n',
      'srv/next/usr/lib/berth/berth.toml': '[bind]\nmode = "all"\n',
      ...inDirectory('srv/next', container('app', `${registry.host}/app:1`)),
    });
    // Not waited for: the registry is in this process.
    host.run('systemctl', 'start', '--no-block', 'berth-reconcile.service');
    await until(signal, () =>
      /^(inactive|failed)$/.test(show('berth-reconcile.service', 'ActiveState')),
    );
    const journal = host.run('journalctl', '-o', 'cat', '-u', 'berth-reconcile.service');
    assert.match(berth('verify', 'next'), /^next is ready: 1 image.*\n0\n$/s, journal);
    assert.match(host.run('podman', 'images', '--noheading'), /app/);
    assert.equal(show('podman.socket', 'ActiveState'), 'active');
  });

  await t.test('berth watch puts back out of its sandbox', limit, async ({ signal }) => {
    const unit = 'berth-watch.service';
    change(host, unit, 'WatchdogSec=4s');
    // It has said that it is ready, else this would fail.
    host.run('systemctl', 'start', unit);
    const alive = Number(show(unit, 'WatchdogTimestampMonotonic'));
    const app = `${registry.host}/app:1`;
    const names = () => host.run('podman', 'images', '--format', '{{.Repository}}:{{.Tag}}');
    await until(signal, () => said(host, unit).includes('watches  podman'));
    host.run('podman', 'untag', app);
    await until(signal, () => names().includes(app));
    await until(signal, () => /healed .*app:1 of next/.test(said(host, unit)));
    assert.match(said(host, unit, '--priority=5..5'), /^lost .*app:1 of next: .* names no image$/m);
    await until(signal, () => Number(show(unit, 'WatchdogTimestampMonotonic')) > alive + 4_000_000);
    assert.deepEqual([show(unit, 'ActiveState'), show(unit, 'NRestarts')], ['active', '0']);
    // What hangs is ended, and begins anew.
    host.run('systemctl', 'kill', '--kill-who=main', '--signal=STOP', unit);
    change(host, unit, 'WatchdogSec=4s', 'RestartSec=1ms');
    await until(signal, () => show(unit, 'NRestarts') === '1');
    host.run('systemctl', 'stop', unit);
    assert.equal(show(unit, 'ActiveState'), 'inactive');
    change(host, unit);
  });

  await t.test('at boot it unpacks and pins what the system ships, out of its own', async () => {
    await host.powerOff();
    rmSync(join(root, 'etc/berth'), { recursive: true });
    writeRoot(root, {
      'usr/lib/berth/images.d/odd.list': `${name}\n`,
      'etc/systemd/system/odd.service': service(name),
      'etc/systemd/system/multi-user.target.wants/odd.service': '-> ../odd.service',
    });
    await ship(root);
    host = await bootHost(t, root);
    const journal = host.run('journalctl', '-b', '-u', 'berth-activate', '-u', 'odd');
    assert.equal(show('odd.service', 'ActiveState'), 'active', journal);
    assert.match(berth('verify'), /\b0\n$/, journal);
    // Before there is a sysinit.target, which others wait for.
    const asked = host.run('journalctl', '-b', '-o', 'cat', '-u', 'berth-bootc-status@*');
    assert.match(asked, /^asked: status --format=json$/m);
    const mounted = host.run('podman', 'image', 'mount', name).trim();
    const look = 'cd "$0" && stat -c "%A %u:%g %n" "$@"';
    const paths = odd.map((line) => line.slice(line.lastIndexOf(' ') + 1));
    assert.deepEqual(
      host
        .run('sh', '-c', look, mounted, ...paths)
        .trim()
        .split('\n'),
      odd,
    );
    const archive = 'tar --xattrs --xattrs-include="*" -C "$0" -c bin/busybox | head -c 4096';
    assert.match(host.run('sh', '-c', archive, mounted), /SCHILY\.xattr\.security\.capability/);
    host.run('podman', 'image', 'umount', name);
  });

  await t.test('what it finds the kernel able to do is what any podman finds', () => {
    const found = '/run/containers/storage/overlay';
    const all = () =>
      host.run('find', found, '-type', 'f', '-printf', '%f\n').split('\n').toSorted();
    const first = all();
    assert.ok(first.includes('overlay-true'), first.join());
    host.run('systemctl', 'stop', 'odd.service');
    host.run('podman', 'pod', 'rm', '--force', '--all');
    host.run('find', found, '-type', 'f', '-delete');
    assert.match(berth('activate'), /pins made again/);
    host.run('systemctl', 'start', 'odd.service');
    assert.deepEqual(all(), first);
  });

  await t.test('it pins again what is lost and moves a name back, and containers start', () => {
    const id = imageOf(name);
    host.run('podman', 'pod', 'rm', '--force', '--all');
    host.run('podman', 'tag', `${registry.host}/app:1`, name);
    // As if another system had been booted before.
    rmSync(join(root, 'var/lib/berth/activation.json'));
    assert.notEqual(imageOf(name), id);
    assert.match(berth('verify'), /\b3\n$/);
    host.run('systemctl', 'restart', 'berth-activate.service');
    assert.match(berth('verify'), /\b0\n$/);
    assert.equal(imageOf(name), id);
    // The mounts of the sandbox are none of the host's business, nor the other way round.
    host.run('systemctl', 'restart', 'odd.service');
    assert.equal(host.run('podman', 'inspect', '--format', '{{.Image}}', 'odd').trim(), id);
    assert.equal(show('odd.service', 'ActiveState'), 'active');
  });

  await t.test('the gate asks podman out of its own, also as the first of a boot', () => {
    change(host, 'berth-gate.service', 'ExecStop=', 'ExecStop=/usr/bin/berth verify');
    host.run('systemctl', 'stop', 'odd.service', 'podman.socket', 'podman.service');
    host.run('umount', '/var/lib/containers/storage/overlay');
    host.run('rm', '-rf', '/run/libpod', '/run/containers', '/dev/shm/libpod_lock');
    host.run('systemctl', 'stop', 'berth-gate.service');
    const journal = host.run('journalctl', '-b', '-u', 'berth-gate');
    assert.equal(show('berth-gate.service', 'Result'), 'success', journal);
    host.run('systemctl', 'start', 'odd.service');
    assert.equal(show('odd.service', 'ActiveState'), 'active');
  });
}

/** What systemd says against units, and the exit code. */
function verified(host: BootedHost, ...files: string[]): string {
  const command = 'systemd-analyze verify --man=no "$@" 2>&1; echo $?';
  return host.run('sh', '-c', command, 'sh', ...files).trim();
}

/** Starts a unit anew. @returns the journal of that time: of what it starts in other units, too. */
function journalOf(host: BootedHost, unit: string): string {
  const cursor = /^-- cursor: (\S+)$/m.exec(host.run('journalctl', '-n0', '--show-cursor'))?.[1];
  host.run('systemctl', 'restart', unit);
  host.run('journalctl', '--sync');
  return host.run('journalctl', '--no-pager', '-o', 'cat', `--after-cursor=${cursor}`);
}

/** The lines that a unit has written into the journal. */
function said(host: BootedHost, unit: string, ...words: readonly string[]): string {
  return host.run('journalctl', '-o', 'cat', '-u', unit, ...words);
}

/** Changes what a unit's [Service] says, in place of what was changed before. */
function change(host: BootedHost, unit: string, ...lines: readonly string[]): void {
  const text = ['[Service]', ...lines, ''].join('\n');
  const place = `/etc/systemd/system/${unit}.d`;
  host.run('sh', '-c', 'mkdir -p "$0" && printf %s "$1" >"$0/test.conf"', place, text);
  host.run('systemctl', 'daemon-reload');
}

/** A container that is never pulled. */
function service(image: string): string {
  const run = `run --detach --name=odd --replace --pull=never --network=host --cgroups=disabled ${image}`;
  return (
    '[Unit]\nAfter=berth-activate.service\n[Service]\nType=oneshot\nRemainAfterExit=yes\n' +
    `ExecStart=/usr/bin/podman ${run}\nExecStop=/usr/bin/podman rm --force --time=0 odd\n`
  );
}

/** Puts the images that a root binds into it. */
async function ship(root: string): Promise<void> {
  const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
  const registries = join(root, 'etc/containers/registries.conf');
  const environment = { ...process.env, CONTAINERS_REGISTRIES_CONF: registries };
  await promisify(execFile)(process.execPath, [main, 'ship', root], { env: environment });
}

function inDirectory(directory: string, files: Readonly<Record<string, string>>) {
  return Object.fromEntries(
    Object.entries(files).map(([path, text]) => [join(directory, path), text]),
  );
}

/** For what systemd tells nobody: asks again until it is so. The test's own time is the limit. */
async function until(signal: AbortSignal, holds: () => boolean): Promise<void> {
  while (!holds()) await delay(20, undefined, { signal });
}
