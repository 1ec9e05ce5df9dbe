import assert from 'node:assert/strict';
import test from 'node:test';
import {
  type HostLab,
  reconciledAfter,
  runs,
  service,
  startHostLab,
  state,
} from '../support/host-lab.ts';
import {
  accounts,
  addLogin,
  asUser,
  berth,
  berthOf,
  type HostUser,
  hostOfUsers,
  lingering,
  ownContainer,
  userContainer,
  userService,
} from '../support/host-users.ts';
import type { Booted } from '../support/ostree-host.ts';

const linger: HostUser = { name: 'linger', uid: 1001 };
const app: HostUser = { name: 'app', uid: 1002 };
/** A user whom only root B has. */
const next: HostUser = { name: 'next', uid: 1003 };

/** What runs where: the system's Quadlet unit, that of a user who lingers, and a service with `User=`. */
function threeContainers(image: string) {
  return {
    ...service('web', image),
    ...userContainer(linger, 'own', image),
    ...userService(app, 'job', image),
    ...lingering(linger),
  };
}

const rootA = (lab: HostLab) => ({
  ...accounts([linger, app]),
  ...threeContainers(lab.name('app:1')),
});

/** Root B: another image, and a user who is new. */
const rootB = (lab: HostLab) => ({
  ...accounts([linger, app, next]),
  ...threeContainers(lab.name('app:2')),
  ...userContainer(next, 'more', lab.name('app:2')),
  ...lingering(next),
});

/** The state of a unit of a user, once the user's boot has come to its end. */
function userState(host: Booted, user: HostUser, unit: string): string {
  const session = asUser(host, user, true);
  session.try('systemctl', '--user', 'is-system-running', '--wait');
  return session.try('systemctl', '--user', 'is-active', unit).stdout.trim();
}

const states = (host: Booted) => ({
  web: state(host, 'web'),
  own: userState(host, linger, 'own'),
  job: state(host, 'job'),
});

test('without berth, containers of users fail after an upgrade with the registry gone', async (t) => {
  const lab = await startHostLab(t, { berth: false, environment: hostOfUsers });
  lab.push('app:1', 'first');
  lab.commit('acme/a', rootA(lab), addLogin);
  lab.deploy('acme/a');
  let host = await lab.boot();
  assert.deepEqual(states(host), { web: 'active', own: 'active', job: 'active' });
  lab.push('app:2', 'second');
  lab.commit('acme/b', rootB(lab), addLogin);
  host.run('ostree', 'admin', 'deploy', '--os=acme', '--stage', 'acme/b');
  await host.powerOff();
  await lab.stopRegistry();
  host = await lab.boot();
  assert.deepEqual(states(host), { web: 'failed', own: 'failed', job: 'failed' });
  assert.equal(userState(host, next, 'more'), 'failed');
  // The registry is all that they lack.
  await lab.startRegistry();
  host.run('systemctl', 'restart', 'web', 'job');
  for (const [user, unit] of [
    [linger, 'own'],
    [next, 'more'],
  ] as const) {
    asUser(host, user, true).run('systemctl', '--user', 'restart', unit);
    assert.equal(userState(host, user, unit), 'active');
  }
});

/** The ids of the images that run: of the system's container, and of each user's. */
function running(host: Booted): Record<string, string> {
  const words = ['podman', 'inspect', '--format', '{{.Image}}'];
  const id = (user: HostUser, session: boolean, name: string) =>
    `sha256:${asUser(host, user, session).run(...words, name)}`;
  return {
    web: runs(host, 'web'),
    own: id(linger, true, 'own'),
    job: id(app, false, 'job'),
    more: id(next, true, 'more'),
  };
}

const journal = (host: Booted) =>
  host.try('journalctl', '-b', '--no-pager', '-o', 'cat', '-u', 'berth-*').stdout;

test('with berth, they all start: of users who linger, who do not, and who are new', async (t) => {
  const lab = await startHostLab(t, { berth: true, environment: hostOfUsers });
  lab.push('app:1', 'first');
  lab.commit('acme/a', rootA(lab), addLogin);
  lab.deploy('acme/a');
  let host = await lab.boot();
  assert.deepEqual(states(host), { web: 'active', own: 'active', job: 'active' });
  const image = lab.push('app:2', 'second');
  lab.commit('acme/b', rootB(lab), addLogin);

  await t.test('the queued root is staged for each of them, and fetched once', () => {
    const before = lab.served().length;
    const said = reconciledAfter(host, () =>
      host.run('ostree', 'admin', 'deploy', '--os=acme', '--stage', 'acme/b'),
    );
    const verified = berth(host, 'verify', 'staged');
    assert.equal(verified.code, 0, `${said}${verified.stdout}${verified.stderr}`);
    const blobs = lab
      .served()
      .slice(before)
      .filter(({ path }) => path.includes('/blobs/'));
    const twice = blobs.filter(({ path }, at) => blobs.slice(0, at).some((b) => b.path === path));
    assert.deepEqual(twice, []);
  });

  await t.test('a user stages a unit of the own home for the queued root', () => {
    lab.push('mine:1', 'mine');
    const session = asUser(host, linger, true);
    const unit = '/var/home/linger/.config/containers/systemd/mine.container';
    const text = ownContainer('mine', lab.name('mine:1'));
    session.run(
      'sh',
      '-c',
      `mkdir -p "$(dirname ${unit})" && printf '%s' "$1" > ${unit}`,
      '-',
      text,
    );
    const staged = berthOf(host, linger, 'stage', '--user', 'staged');
    assert.equal(staged.code, 0, `${staged.stdout}${staged.stderr}`);
    const verified = berthOf(host, linger, 'verify', '--user', 'staged');
    assert.equal(verified.code, 0, `${verified.stdout}${verified.stderr}`);
    assert.doesNotMatch(berth(host, 'images', 'staged').stdout, /mine/);
    assert.equal(berth(host, 'verify', 'staged').code, 0);
  });

  await t.test('root B starts whole, with no registry in sight', async () => {
    await host.powerOff();
    await lab.stopRegistry();
    const before = host.id;
    host = await lab.boot();
    assert.notEqual(host.id, before);
    const all = { ...states(host), more: userState(host, next, 'more') };
    const active = { web: 'active', own: 'active', job: 'active', more: 'active' };
    assert.deepEqual(all, active, journal(host));
    assert.equal(userState(host, linger, 'mine'), 'active');
    assert.deepEqual(running(host), { web: image, own: image, job: image, more: image });
    const verified = berth(host, 'verify');
    assert.equal(verified.code, 0, `${verified.stdout}${verified.stderr}`);
    // A podman that finds the locks of one before it, and not its state.
    assert.doesNotMatch(host.run('journalctl', '-b', '--no-pager'), /Refreshing (container|pod)/);
  });

  await t.test('a prune by a user spares what is pinned for the user', () => {
    const session = asUser(host, next, true);
    session.run('systemctl', '--user', 'stop', 'more');
    // A prune that meets a container on its way out may fail; the next prune does not.
    session.try('podman', 'system', 'prune', '-a', '-f');
    session.run('podman', 'system', 'prune', '-a', '-f');
    session.run('systemctl', '--user', 'start', 'more');
    assert.equal(berth(host, 'verify').code, 0);
  });
});
