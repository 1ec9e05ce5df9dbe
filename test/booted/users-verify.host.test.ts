import assert from 'node:assert/strict';
import test from 'node:test';
import { array, looseObject, optional, parse, string } from 'valibot';
import { HANGS_S, type HostLab, service, startHostLab } from '../support/host-lab.ts';
import {
  accounts,
  addLogin,
  asUser,
  berth,
  type HostUser,
  hostOfUsers,
  lingering,
  userContainer,
  userService,
} from '../support/host-users.ts';
import type { Booted } from '../support/ostree-host.ts';

const linger: HostUser = { name: 'linger', uid: 1001 };
const app: HostUser = { name: 'app', uid: 1002 };

const root = (lab: HostLab) => ({
  ...accounts([linger, app]),
  ...service('web', lab.name('app:1')),
  ...userContainer(linger, 'own', lab.name('app:1')),
  ...userService(app, 'job', lab.name('app:1')),
  ...lingering(linger),
});

const Verified = looseObject({
  findings: array(looseObject({ code: string(), engine: optional(string()) })),
});

/** The exit code of `berth verify` on the running root, and its findings in short. */
function verified(host: Booted): readonly (string | number | null)[] {
  const { code, stdout, stderr } = berth(host, 'verify', '--format', 'json');
  assert.notEqual(stdout, '', stderr);
  const { findings } = parse(Verified, JSON.parse(stdout));
  return [code, ...findings.map(({ code: what, engine }) => `${what} ${engine}`)];
}

/** Waits until berth-watch.service has written a line. */
function untilHeard(host: Booted, pattern: string): void {
  const follow = 'journalctl --no-pager -f -n all -u berth-watch.service';
  host.run('timeout', HANGS_S, 'sh', '-c', `${follow} | grep -E --max-count=1 '${pattern}'`);
}

function untilReady(host: Booted): void {
  while (verified(host)[0] !== 0);
}

const stage = (host: Booted) => berth(host, 'stage');

test('a root is not ready if one user lacks what all others have', async (t) => {
  const lab = await startHostLab(t, { berth: true, environment: hostOfUsers });
  lab.push('app:1', 'first');
  lab.commit('acme/a', root(lab), addLogin);
  lab.deploy('acme/a');
  const host = await lab.boot();
  const { code, stdout, stderr } = stage(host);
  assert.equal(code, 0, `${stdout}${stderr}`);
  assert.deepEqual(verified(host), [0]);
  const own = asUser(host, linger, true);
  const job = asUser(host, app, false);

  await t.test('a user has removed the pin', () => {
    own.run('podman', 'pod', 'rm', '--force', '--all');
    assert.deepEqual(verified(host), [3, 'pin-missing podman:linger']);
  });

  await t.test('a user has removed the image, which the others have', () => {
    host.run('systemctl', 'stop', 'job');
    job.run('podman', 'pod', 'rm', '--force', '--all');
    job.run('podman', 'rmi', '--all', '--force');
    const [exit, ...findings] = verified(host);
    assert.deepEqual(exit, 3);
    assert.deepEqual(findings.map(String).toSorted(), [
      'image-missing podman:app',
      'pin-missing podman:linger',
    ]);
  });

  await t.test('the next stage mends both', () => {
    const again = stage(host);
    assert.equal(again.code, 0, `${again.stdout}${again.stderr}`);
    assert.deepEqual(verified(host), [0]);
  });

  await t.test('berth watch puts back what users remove, by the podman of each', () => {
    host.run('systemctl', 'start', 'berth-watch');
    untilHeard(host, 'watches +podman:app');
    untilHeard(host, 'watches +podman:linger');
    own.run('podman', 'untag', lab.name('app:1'));
    own.run('podman', 'pod', 'rm', '--force', '--all');
    job.run('podman', 'pod', 'rm', '--force', '--all');
    job.run('podman', 'rmi', '--all', '--force');
    untilReady(host);
  });

  await t.test('berth watch goes on with a state directory that was removed and made again', () => {
    host.run('mv', '/var/lib/berth', '/var/lib/berth.old');
    assert.equal(stage(host).code, 0);
    own.run('podman', 'pod', 'rm', '--force', '--all');
    untilReady(host);
    host.run('systemctl', 'stop', 'berth-watch');
  });

  await t.test('the file system of a home is not mounted', () => {
    host.run('mount', '-t', 'tmpfs', '-o', 'uid=1002,gid=1002,mode=0700', 'tmpfs', '/var/home/app');
    const [exit, ...findings] = verified(host);
    assert.equal(exit, 3);
    assert.ok(findings.length > 0);
    for (const finding of findings) assert.match(String(finding), / podman:app$/);
    host.run('umount', '/var/home/app');
    assert.deepEqual(verified(host), [0]);
  });

  await t.test('the home is gone', () => {
    host.run('mv', '/var/home/app', '/var/home/gone');
    const [exit, ...findings] = verified(host);
    assert.equal(exit, 3);
    for (const finding of findings) assert.match(String(finding), / podman:app$/);
    host.run('mv', '/var/home/gone', '/var/home/app');
    assert.deepEqual(verified(host), [0]);
  });

  await t.test('a directory is empty', () => {
    host.run('mkdir', '/var/empty');
    const { code: exit, stderr: said } = berth(host, 'verify', '/var/empty');
    assert.equal(exit, 2, said);
  });
});
