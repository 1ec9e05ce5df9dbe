import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { container, writeRoot } from '../../support/berth.ts';
import { buildImage } from '../../support/image-builder.ts';
import { executable } from '../../support/installed.ts';
import { startRegistry } from '../../support/registry.ts';
import { odd, oddImage } from '../odd-image.ts';
import { type BootedUnits, change, limit, said, until } from './booted-units.ts';

/** berth itself in its sandboxes, with podman. */
export async function testRealBerth(
  t: TestContext,
  { root, host, show, rebootWith }: BootedUnits,
): Promise<void> {
  const registry = await startRegistry();
  t.after(() => registry.close());
  const name = `${registry.host}/odd:1`;
  registry.push('app:1', buildImage({ layers: [{ files: { 'etc/app': 'one' } }] }));
  registry.push('odd:1', oddImage());
  const insecure = `[[registry]]\nlocation = "${registry.host}"\ninsecure = true\n`;
  const berth = (...words: string[]) =>
    host.run('sh', '-c', '"$@"; echo $?', 'sh', 'berth', ...words);
  /** Starts the service and waits for its end; systemctl does not, as the registry is in this process. */
  const reconcile = async (signal: AbortSignal) => {
    const unit = 'berth-reconcile.service';
    const earlier = show(unit, 'InvocationID');
    host.run('systemctl', 'start', '--no-block', unit);
    await until(
      signal,
      () =>
        show(unit, 'InvocationID') !== earlier &&
        /^(inactive|failed)$/.test(show(unit, 'ActiveState')),
    );
  };
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
      'srv/old/usr/lib/os-release': 'ID=old\n',
      'srv/next/usr/lib/berth/berth.toml': '[bind]\nmode = "all"\n',
      ...inDirectory('srv/next', container('app', `${registry.host}/app:1`)),
    });
    await reconcile(signal);
    const journal = host.run('journalctl', '-o', 'cat', '-u', 'berth-reconcile.service');
    assert.match(berth('verify', 'next'), /^next is ready: 1 image.*\n0\n$/s, journal);
    assert.match(host.run('podman', 'images', '--noheading'), /app/);
    assert.equal(show('podman.socket', 'ActiveState'), 'active');
  });

  await t.test(
    'in quiet hours it waits, and comes again when they are over',
    limit,
    async ({ signal }) => {
      const unit = 'berth-reconcile.service';
      const timer = 'berth-after-quiet-hours.timer';
      registry.push('quiet:1', buildImage({ layers: [{ files: { 'etc/app': 'two' } }] }));
      const toml = join(root, 'etc/berth/berth.toml');
      const before = readFileSync(toml, 'utf8');
      const clock = (when: string) => host.run('date', '+%H:%M', '-d', when).trim();
      writeRoot(root, {
        'etc/berth/berth.toml': `quiet-hours = "${clock('1 hour ago')}-${clock('2 hours')}"\n${before}`,
        ...inDirectory('srv/next', container('quiet', `${registry.host}/quiet:1`)),
      });
      for (let again = 0; again < 2; again += 1) {
        await reconcile(signal);
        const told = host.run('journalctl', '-o', 'cat', '-n', '20', '-u', unit);
        assert.deepEqual(
          [show(unit, 'ExecMainStatus'), show(unit, 'Result')],
          ['6', 'success'],
          told,
        );
        assert.match(told, /^waits quiet hours until \d\d:\d\d: 1 image waits$/m);
        assert.doesNotMatch(told, /only by its own timer/);
        assert.equal(show(timer, 'ActiveState'), 'active', told);
      }
      const next = Date.parse(show(timer, 'NextElapseUSecRealtime').replace(/^\w+ /, ''));
      assert.ok(next > Date.now() + 3_600_000, show(timer, 'NextElapseUSecRealtime'));
      host.run('systemctl', 'stop', timer);
      writeRoot(root, { 'etc/berth/berth.toml': before });
      rmSync(join(root, 'srv/next/usr/share/containers/systemd/quiet.container'));
      await reconcile(signal);
      assert.equal(show(unit, 'ExecMainStatus'), '0');
    },
  );

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
    await rebootWith(async () => {
      rmSync(join(root, 'etc/berth'), { recursive: true });
      writeRoot(root, {
        'usr/lib/berth/images.d/odd.list': `${name}\n`,
        'etc/systemd/system/odd.service': service(name),
        'etc/systemd/system/multi-user.target.wants/odd.service': '-> ../odd.service',
      });
      await ship(root);
    });
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
  const main = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));
  const registries = join(root, 'etc/containers/registries.conf');
  const environment = { ...process.env, CONTAINERS_REGISTRIES_CONF: registries };
  await promisify(execFile)(process.execPath, [main, 'ship', root], { env: environment });
}

function inDirectory(directory: string, files: Readonly<Record<string, string>>) {
  return Object.fromEntries(
    Object.entries(files).map(([path, text]) => [join(directory, path), text]),
  );
}
