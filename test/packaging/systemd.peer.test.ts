import assert from 'node:assert/strict';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { container, writeRoot } from '../support/berth.ts';
import { type BootedHost, bootHost } from '../support/booted-host.ts';
import { buildImage } from '../support/image-builder.ts';
import { executable } from '../support/installed.ts';
import { startRegistry } from '../support/registry.ts';
import { addSysroot, hostRoot } from './host.ts';
import { StandIn } from './stand-in.ts';

const units = '/usr/lib/systemd/system';

/** What must stay below: in tenths of systemd's own measure. */
const exposure = 29;

/** In which what is waited for comes, if it ever does. */
const limit = { timeout: 60_000 };

test('the units under a booted systemd', { timeout: 300_000 }, async (t) => {
  const root = hostRoot(t);
  addSysroot(root);
  const standIn = new StandIn(root);
  const host = await bootHost(t, root);
  const show = (unit: string, property: string) =>
    host.run('systemctl', 'show', '-P', property, unit).trim();
  const at = (unit: string, event: string) => Number(show(unit, `${event}TimestampMonotonic`));

  await t.test('systemd has nothing to say of them', () => {
    const names = host.run('find', units, '-name', 'berth-*').trim().split('\n');
    assert.equal(names.length, 7);
    // That one names a program that is not there.
    assert.equal(verified(host, ...names.filter((name) => !name.includes('@'))), '');
  });

  await t.test('the sandbox', () => {
    const words = ['--offline=true', `--threshold=${exposure}`, 'berth-reconcile.service'];
    const said = host.run('sh', '-c', 'systemd-analyze security "$@"; echo $?', 'sh', ...words);
    assert.equal(said.trim().split('\n').at(-1), '0', said);
  });

  await t.test('the presets enable what starts the others', () => {
    const enabled = [
      'berth-activate.service',
      'berth-gate.service',
      'berth-stage.path',
      'berth-reconcile.timer',
    ];
    for (const unit of enabled) assert.equal(show(unit, 'ActiveState'), 'active', unit);
    assert.match(show('berth-reconcile.timer', 'NextElapseUSecMonotonic'), /^\d/);
    assert.equal(show('berth-reconcile.service', 'ActiveState'), 'inactive');
    assert.equal(show('berth-bootc-status.socket', 'ConditionResult'), 'no');
  });

  await t.test('containers come after the activation, and nothing is in a circle', () => {
    const activated = at('berth-activate.service', 'ActiveEnter');
    assert.ok(activated > 0);
    for (const unit of ['early.service', 'use-present.service', 'absent-image.service']) {
      assert.ok(at(unit, 'InactiveExit') >= activated, unit);
    }
    assert.ok(at('early.service', 'ActiveEnter') <= at('sysinit.target', 'ActiveEnter'));
    assert.doesNotMatch(host.run('journalctl', '-b', '-o', 'cat'), /ordering cycle/i);
    assert.deepEqual(standIn.calls('activate').toSorted(), [
      'activate',
      'activate --pull-needed absent-image.service',
      'activate --pull-needed present-image.service',
    ]);
  });

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
    const start = () => host.run('systemctl', 'start', '--no-block', 'berth-reconcile.service');
    standIn.answer('reconcile', 5);
    start();
    await until(signal, () => show('berth-reconcile.service', 'SubState') === 'auto-restart');
    standIn.answer('reconcile', 1);
    start();
    await until(signal, () => show('berth-reconcile.service', 'SubState') === 'failed');
  });

  await t.test('berth itself stages on podman out of the sandbox', limit, async ({ signal }) => {
    const registry = await startRegistry();
    t.after(() => registry.close());
    registry.push('app:1', buildImage({ layers: [{ files: { 'etc/app': 'one' } }] }));
    copyFileSync(executable(), join(root, 'usr/bin/berth'));
    writeRoot(root, {
      'etc/containers/registries.conf': `[[registry]]\nlocation = "${registry.host}"\ninsecure = true\n`,
      ...inDirectory('srv/next', container('app', `${registry.host}/app:1`)),
    });
    runInstead(host, '/usr/bin/berth stage --bind all --id next /srv/next');
    // Not waited for: the registry is in this process.
    host.run('systemctl', 'start', '--no-block', 'berth-reconcile.service');
    await until(signal, () =>
      /^(inactive|failed)$/.test(show('berth-reconcile.service', 'ActiveState')),
    );
    const journal = host.run('journalctl', '-o', 'cat', '-u', 'berth-reconcile.service');
    assert.match(journal, /next is ready on podman: 1 image\b/);
    assert.match(host.run('podman', 'images', '--noheading'), /app/);
    assert.equal(show('podman.socket', 'ActiveState'), 'active');
  });

  await t.test('bootc is asked out of the sandbox, each time anew', () => {
    const bootc = '#!/bin/sh\nmount -t tmpfs none /mnt && umount /mnt && echo "$*" $$\n';
    writeFileSync(join(root, 'usr/bin/bootc'), bootc, { mode: 0o755 });
    assert.equal(verified(host, `${units}/berth-bootc-status@.service`), '');
    const ask = 'print IO::Socket::UNIX->new(substr($ENV{BERTH_BOOTC_STATUS}, 5))->getlines;';
    const program = `#!/usr/bin/perl\nuse IO::Socket::UNIX;\n${ask}\n`;
    writeFileSync(join(root, 'usr/bin/ask'), program, { mode: 0o755 });
    runInstead(host, '/usr/bin/ask');
    for (const _ of [1, 2]) host.run('systemctl', 'start', 'berth-reconcile.service');
    const journal = host.run('journalctl', '-o', 'cat', '-u', 'berth-reconcile.service');
    const answers = [...journal.matchAll(/^status --format=json (\d+)$/gm)].map(([, pid]) => pid);
    assert.equal(new Set(answers).size, 2, journal);
  });
});

/** What systemd says against units. */
function verified(host: BootedHost, ...files: string[]): string {
  return host.run('sh', '-c', 'systemd-analyze verify --man=no "$@" 2>&1', 'sh', ...files);
}

/** Gives the sandbox of berth-reconcile.service another command. */
function runInstead(host: BootedHost, command: string): void {
  const text = `[Service]\nExecStart=\nExecStart=${command}\n`;
  const place = '/etc/systemd/system/berth-reconcile.service.d';
  host.run('sh', '-c', 'mkdir -p "$0" && printf %s "$1" >"$0/instead.conf"', place, text);
  host.run('systemctl', 'daemon-reload');
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
