import assert from 'node:assert/strict';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { type HostLab, runs, service, startHostLab, state } from '../support/host-lab.ts';
import type { Booted } from '../support/ostree-host.ts';

/** As bootc ships it: it fetches and reboots in one go. */
const unit = `[Unit]
Description=Apply bootc updates
Documentation=man:bootc(8)

[Service]
Type=oneshot
ExecStart=/usr/bin/bootc upgrade --apply --quiet
`;

const standIn = readFileSync(join(import.meta.dirname, '../support/bootc-stand-in.sh'), 'utf8');

const greenboot = '/usr/lib/greenboot/check/required.d/50-berth.sh';

/** Makes an OS with these services what bootc finds in its registry. */
function release(lab: HostLab, images: Readonly<Record<string, string>>): void {
  const services = Object.entries(images).map(([name, image]) => service(name, lab.name(image)));
  const files = {
    'usr/bin/bootc': standIn,
    'usr/lib/systemd/system/bootc-fetch-apply-updates.service': unit,
  };
  lab.commit('acme/stable', Object.assign(files, ...services), (tree) => {
    chmodSync(join(tree, 'usr/bin/bootc'), 0o755);
  });
}

const journal = (host: Booted, ...words: string[]) =>
  host.try('journalctl', '--no-pager', '-o', 'cat', ...words).stdout;

const ofFlow = ['-u', 'bootc-fetch-apply-updates', '-u', 'ostree-finalize-staged'];

const stagedOn = (host: Booted) =>
  /"staged":null/.test(host.run('bootc', 'status', '--format=json'))
    ? undefined
    : host.run('ostree', 'admin', 'status').split('\n')[0];

test('bootc’s own update: download, stage, and only then the reboot', async (t) => {
  const lab = await startHostLab(t, { berth: true });
  const first = lab.push('web:1', 'first');
  release(lab, { web: 'web:1' });
  lab.deploy('acme/stable');
  let host = await lab.boot();
  const a = host.id;
  assert.equal(runs(host, 'web'), first, journal(host, '-b'));
  const second = lab.push('web:2', 'second');
  const side = lab.push('side:1', 'side');
  release(lab, { web: 'web:2', side: 'side:1' });

  await t.test('without images there is no reboot, and it says why', async () => {
    await lab.stopRegistry();
    assert.equal(host.try('systemctl', 'start', 'bootc-fetch-apply-updates').code, 1);
    assert.match(journal(host, '-b', ...ofFlow), /side:1.*(refused|reach)/i);
    assert.match(
      stagedOn(host) ?? '',
      /finalization locked/,
      'nor is it booted by whoever reboots',
    );
    assert.equal(state(host, 'web'), 'active');
    assert.doesNotMatch(host.run('systemctl', 'list-jobs'), /reboot/);
  });

  await t.test('the next run gets through, and after the reboot nothing is fetched', async () => {
    await lab.startRegistry();
    host.run('systemctl', 'start', '--no-block', 'bootc-fetch-apply-updates');
    await host.ended();
    const served = lab.served();
    assert.ok(served.some(({ path }) => path.startsWith('side/blobs/')));
    host = await lab.boot();
    assert.notEqual(host.id, a, journal(host, '-b', '-1'));
    assert.deepEqual([state(host, 'web'), state(host, 'side')], ['active', 'active']);
    assert.deepEqual([runs(host, 'web'), runs(host, 'side')], [second, side]);
    assert.equal(host.try('berth', 'verify').code, 0);
    assert.deepEqual(lab.served(), served);
    const said = journal(host, '-b', '-1', ...ofFlow);
    assert.match(said, /is ready on podman: 2 images.*Finalizing staged deployment/s);
  });

  await t.test('greenboot’s check fails a boot that lacks an image, and no other', () => {
    // greenboot, which Debian has no package of, runs it so and looks at the exit code.
    const check = (...more: string[]) => host.try('env', ...more, 'bash', '-C', greenboot);
    assert.deepEqual(check(), { code: 0, stdout: '', stderr: '' });
    assert.equal(check('CONTAINERS_STORAGE_CONF=/nowhere').code, 0, 'one that can’t tell');
    host.run('podman', 'untag', side.replace('sha256:', ''), lab.name('side:1'));
    assert.equal(host.try('berth', 'verify').code, 3);
    assert.equal(check().code, 0, 'the next boot makes the name again');
    host.run('podman', 'rmi', '--force', side.replace('sha256:', ''));
    const { code, stdout, stderr } = check();
    assert.equal(code, 1);
    assert.match(stdout + stderr, /is NOT ready\..*side:1 is not there/s);
    host.run('systemctl', 'start', 'berth-reconcile');
    assert.equal(check().code, 0);
    host.run('systemctl', 'restart', 'side');
  });

  await t.test('on composefs it is not held: it warns, and says that it only warns', async () => {
    const verity = 'f'.repeat(128);
    host.run('systemctl', 'stop', 'berth-stage.path');
    const place = '/root/os/usr/share/containers/systemd';
    const text = `[Container]\\nImage=${lab.name('none:1')}\\n`;
    host.run('sh', '-c', `mkdir -p ${place} && printf '${text}' > ${place}/none.container`);
    assert.notEqual(
      host.try('berth', 'stage', '--bind', 'all', '--id', verity, '/root/os').code,
      0,
    );
    host.run('mkdir', '/run/composefs');
    host.run('sh', '-c', `echo ${verity} > /run/composefs/staged-deployment`);
    // That it is queued bootc alone knows: it has to answer while the host goes down.
    await host.powerOff();
    host = await lab.boot();
    assert.match(
      journal(host, '-b', '-1', '-u', 'berth-gate'),
      /ffff is NOT ready, and can't be held: 1 thing is missing\. On composefs this only warns\./,
    );
    host.run('berth', 'release', verity);
  });

  const b = host.id;
  const third = lab.push('web:3', 'third');
  release(lab, { web: 'web:3', side: 'side:1' });
  host.run('touch', '/etc/old-bootc');

  await t.test('by hand, with a bootc that can’t only download: the gate holds', async () => {
    await lab.stopRegistry();
    const { code, stderr } = host.try('/usr/libexec/berth/upgrade');
    assert.notEqual(code, 0);
    assert.match(stderr, /web:3.*(refused|reach)/i);
    assert.match(stagedOn(host) ?? '', /\(staged\)$/);
    await host.powerOff();
    host = await lab.boot();
    assert.equal(host.id, b, journal(host, '-b', '-1'));
    assert.deepEqual([state(host, 'web'), state(host, 'side')], ['active', 'active']);
    assert.match(host.try('berth', 'status').stderr, /was held back at .*web:3 is not there/s);
  });

  await t.test('and the next run by hand gets through', async () => {
    await lab.startRegistry();
    host.run('systemd-run', '--no-block', '/usr/libexec/berth/upgrade');
    await host.ended();
    await lab.stopRegistry();
    host = await lab.boot();
    assert.notEqual(host.id, b, journal(host, '-b', '-1'));
    assert.deepEqual([runs(host, 'web'), runs(host, 'side')], [third, side]);
    assert.equal(host.try('berth', 'status').stderr, '');
  });
});
