import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type HostLab,
  reconciledAfter,
  runs,
  service,
  startHostLab,
  state,
} from '../support/host-lab.ts';
import type { Booted } from '../support/ostree-host.ts';

/** What a soft reboot leaves alone (systemd-soft-reboot.service(8)). */
const SURVIVES =
  '[Unit]\nDefaultDependencies=no\nSurviveFinalKillSignal=yes\nIgnoreOnIsolate=yes\nRequiresMountsFor=/run\n[Service]\n';

/**
 * systemd-nspawn lays a boot id of its own over the kernel's, which a soft reboot loses; podman would take that for
 * another boot. On a machine the boot id stays.
 */
const kernelsBootId = {
  'usr/lib/systemd/system/boot-id.service':
    '[Unit]\nDefaultDependencies=no\nBefore=systemd-journald.service\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=-/usr/bin/umount /proc/sys/kernel/random/boot_id\nExecStart=-/usr/bin/umount /proc/sys/kernel/random/boot_id\n',
  'usr/lib/systemd/system/sysinit.target.d/boot-id.conf': '[Unit]\nWants=boot-id.service\n',
};

/** Prepares a deployment as the root that a soft reboot enters. */
function prepare(host: Booted, id: string): void {
  const script = `
    mkdir -p /run/nextroot
    mount --bind /sysroot/ostree/deploy/acme/deploy/${id} /run/nextroot
    mount --make-rprivate /run/nextroot
    for place in sysroot boot var; do mount --bind /$place /run/nextroot/$place; done
    mount --make-rprivate /run/nextroot`;
  host.run('sh', '-ec', script);
}

/** Reboots the userspace, and waits for the end of the boot. */
async function softReboot(host: Booted): Promise<void> {
  // A systemctl whose question meets the end of the earlier systemd waits for ever; the next one gets an answer.
  const count = () =>
    Number(host.try('timeout', '10', 'systemctl', 'show', '-P', 'SoftRebootsCount').stdout);
  const before = count();
  host.run('systemctl', 'soft-reboot');
  // What waited in the host would be ended with it, or be left in the earlier root.
  while (!(count() > before)) await delay(200);
  host.try('systemctl', 'is-system-running', '--wait');
}

const said = (host: Booted, unit: string) =>
  host.try('journalctl', '--no-pager', '-o', 'cat', '-u', unit).stdout;

const bootId = (host: Booted) => host.run('cat', '/proc/sys/kernel/random/boot_id');

/** Runs A, with the images that its services use. */
async function start(lab: HostLab) {
  const first = lab.push('web:1', 'first');
  const kept = lab.push('kept:1', 'kept');
  lab.commit('acme/a', {
    ...kernelsBootId,
    ...service('web', lab.name('web:1')),
    ...service('kept', lab.name('kept:1'), SURVIVES),
  });
  lab.deploy('acme/a');
  const host = await lab.boot();
  assert.deepEqual([runs(host, 'web'), runs(host, 'kept')], [first, kept]);
  reconciledAfter(host, () => host.run('systemctl', 'start', 'berth-reconcile.service'));
  return { host, kept };
}

test('soft reboots into the next OS and into the same one: what gate, activate and apply say', async (t) => {
  const lab = await startHostLab(t, { berth: true });
  const { host, kept } = await start(lab);
  // The test says when the host looks at the next root; after a soft reboot these run again.
  host.run('systemctl', 'stop', 'berth-stage.path', 'berth-reconcile.timer');
  const newer = lab.push('kept:1', 'kept, newer');
  lab.commit('acme/b', {
    ...kernelsBootId,
    ...service('web', lab.name('web:2')),
    ...service('kept', lab.name('kept:1'), SURVIVES),
  });
  lab.deploy('acme/b');
  const [b = ''] = lab.bootable();
  const boot = bootId(host);
  const process = () => host.run('podman', 'inspect', '-f', '{{.State.Pid}}', 'kept');
  const survivor = process();
  const gate = () => {
    const { code, stdout, stderr } = host.try('berth', 'gate');
    assert.equal(code, 0, stderr);
    assert.equal(stdout, 'Nothing is queued.\n');
    return stderr;
  };

  await t.test('before: the gate says whether the next root is ready, which it can’t hold', () => {
    assert.equal(gate(), '');
    prepare(host, b);
    const warning = `warning: a soft reboot enters ${b}, whatever this gate holds: `;
    assert.equal(gate(), `${warning}it was never staged here, and is NOT known to be ready\n`);
    reconciledAfter(host, () => void host.try('systemctl', 'start', 'berth-reconcile.service'));
    assert.equal(gate(), `${warning}it is NOT ready: ${lab.name('web:2')} is not there\n`);
    lab.push('web:2', 'second');
    reconciledAfter(host, () => host.run('systemctl', 'start', 'berth-reconcile.service'));
    assert.equal(gate(), '');
  });
  await lab.stopRegistry();
  await softReboot(host);

  await t.test('after: the next root runs with its images, in the same boot of the kernel', () => {
    assert.equal(bootId(host), boot);
    assert.match(
      said(host, 'berth-activate'),
      new RegExp(`${b} is ready; another root ran before this boot`),
    );
    assert.equal(host.try('berth', 'verify', 'booted').stderr, '');
    assert.match(host.run('berth', 'verify'), new RegExp(`^${b} is ready`));
    assert.match(host.run('berth', 'status'), new RegExp(`^${b} +booted +ready`, 'm'));
    assert.equal(state(host, 'web'), 'active');
    assert.equal(gate(), '', 'an empty /run/nextroot is no next root');
  });
  await t.test(
    'a service that survived runs its earlier image until apply restarts it',
    async () => {
      assert.deepEqual([process(), runs(host, 'kept')], [survivor, kept]);
      await lab.startRegistry();
      const updated = /^(\S+)\.service .* (\S+)$/gm;
      const outcomes = (...words: string[]) =>
        [...host.run('berth', 'apply', ...words).matchAll(updated)].map((row) => row.slice(1));
      const others = ['web', 'false'];
      assert.deepEqual(outcomes('--dry-run'), [['kept', 'pending'], others]);
      assert.deepEqual(outcomes('--watch', '0'), [['kept', 'true'], others]);
      assert.equal(runs(host, 'kept'), newer);
      assert.deepEqual(outcomes('--dry-run'), [['kept', 'false'], others]);
    },
  );

  lab.commit('acme/c', { ...kernelsBootId, ...service('web', lab.name('web:3')) });
  const queue = () => host.run('ostree', 'admin', 'deploy', '--os=acme', '--stage', 'acme/c');
  reconciledAfter(host, queue);
  await softReboot(host);

  await t.test(
    'a root that is held stays queued and held in a soft reboot into the same OS',
    () => {
      assert.match(said(host, 'berth-gate'), / is HELD: 1 thing is missing\./);
      assert.match(said(host, 'berth-activate'), /was held back at .*web:3 is not there/);
      assert.match(host.run('berth', 'status'), new RegExp(`^${b} +booted +ready`, 'm'));
      assert.equal(host.try('berth', 'gate').code, 3);
      lab.push('web:3', 'third');
      reconciledAfter(host, () => host.run('systemctl', 'start', 'berth-reconcile.service'));
      host.run('test', '-e', '/run/ostree/staged-deployment-locked');
      assert.match(host.run('berth', 'gate'), / is let through/);
      assert.equal(host.try('test', '-e', '/run/ostree/staged-deployment-locked').code, 1);
    },
  );
});
