import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Suite } from '../../../support/debian-root.ts';
import { begin, type Report, startUsersHost, type UsersHost } from './booted-users.ts';

/** The sandbox of packaging/systemd/berth-reconcile.service. */
const sandbox = [
  'CapabilityBoundingSet=CAP_DAC_READ_SEARCH',
  'NoNewPrivileges=yes',
  'ProtectSystem=strict',
  'ProtectHome=read-only',
  'PrivateTmp=yes',
  'PrivateDevices=yes',
  'ProtectControlGroups=yes',
  'ProtectKernelTunables=yes',
  'ProtectProc=invisible',
  'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6',
  'RestrictNamespaces=yes',
  'RestrictSUIDSGID=yes',
  'SystemCallFilter=@system-service',
  'SystemCallFilter=~@privileged @resources',
  'SystemCallErrorNumber=EPERM',
  'StateDirectory=berth',
].map((property) => `--property=${property}`);

/** Hides that systemd runs, as it is early at boot for what concerns berth. */
const early = `mkdir -p /run/early && mount -t tmpfs tmpfs /run/early && mkdir /run/early/journal &&
mount --bind /run/systemd/journal /run/early/journal && mount --rbind /run/early /run/systemd &&`;

/** Opens the podmans of users on a booted host, and has the users use them afterwards. */
export async function testUsers(t: TestContext, suite: Suite): Promise<void> {
  const users = await startUsersHost(t, suite);
  const { sh, podman, berth } = users;
  const add = (name: string, uid: number, lingers: boolean) => {
    sh(`useradd --create-home --uid ${uid} ${name}`);
    if (lingers) sh(`touch /var/lib/systemd/linger/${name}`);
  };

  await t.test('a user who does not linger, whose services run podman', () => {
    add('service', 1001, false);
    assertPinned(berth('service', 'pin'), 'service', 'started by berth');
    assertUsable(users, 'service', undefined);
    const runRoot = podman('service', undefined, 'info --format {{.Store.RunRoot}}');
    assert.match(runRoot, /^\/tmp\//, 'a directory that services always have');
    assertPinned(berth('service', 'look'), 'service', 'started by berth');
    assert.equal(
      berth('service', 'look').footprint[0],
      1,
      'the layers are known: the config is lacking',
    );
  });

  await t.test('a user whose manager runs', () => {
    add('manager', 1002, true);
    sh('systemctl start user@1002');
    assertPinned(berth('manager', 'pin'), 'manager', 'started by berth');
    assertUsable(users, 'manager', '/run/user/1002');
    assertUsable(users, 'manager', undefined);
  });

  await t.test('a user whose manager starts later', () => {
    add('later', 1003, true);
    assertPinned(berth('later', 'pin'), 'later', 'started by berth');
    sh('systemctl start user@1003');
    assertUsable(users, 'later', '/run/user/1003');
    assert.equal(
      podman('later', '/run/user/1003', 'info --format {{.Store.RunRoot}}').trim(),
      '/run/user/1003/containers',
    );
  });

  await t.test('a user whose manager starts later, early at boot', () => {
    add('early', 1004, true);
    const how = { options: ['--property=PrivateMounts=yes'], before: early };
    assertPinned(berth('early', 'pin', how), 'early', 'started by berth');
    assertPinned(berth('early', 'look', how), 'early', 'started by berth');
    assert.equal(sh('ls /run/user'), '1002\n1003\n', 'nobody else sees the directory');
    assert.equal(processesOf(users, 1004), '', 'no process keeps it');
    sh('systemctl start user@1004');
    assertUsable(users, 'early', '/run/user/1004');
    assert.equal(
      podman('early', '/run/user/1004', 'info --format {{.Store.RunRoot}}').trim(),
      '/run/user/1004/containers',
    );
  });

  await t.test('a user who is logged in, whose services run podman', () => {
    add('both', 1005, false);
    sh('systemctl start user@1005');
    assertPinned(berth('both', 'pin'), 'both', 'started by berth');
    sh('systemctl stop user@1005 user-runtime-dir@1005');
    assertUsable(users, 'both', undefined);
  });

  await t.test('a user who first ran podman in a login, and is not logged in', () => {
    add('login', 1006, false);
    sh('systemctl start user@1006');
    podman('login', '/run/user/1006', 'info');
    sh('systemctl stop user@1006 user-runtime-dir@1006');
    assertPinned(berth('login', 'pin'), 'login', 'started by berth');
    sh('systemctl start user@1006');
    assertUsable(users, 'login', '/run/user/1006');
  });

  await t.test('out of the sandbox of berth-reconcile.service', () => {
    for (const [name, uid, lingers] of [
      ['boxed', 1007, false],
      ['boxed-later', 1008, true],
    ] as const) {
      add(name, uid, lingers);
      const how = { options: sandbox };
      assertPinned(berth(name, 'pin', how), name, 'started by berth');
      if (lingers) sh(`systemctl start user@${uid}`);
      assertUsable(users, name, lingers ? `/run/user/${uid}` : undefined);
      assertPinned(berth(name, 'look', how), name, 'started by berth');
    }
  });

  await t.test('the user’s own berth and root’s leave each other’s pins alone', () => {
    const own = {
      options: ['--property=User=service', '--setenv=XDG_RUNTIME_DIR=/tmp/storage-run-1001'],
      pinKey: '/home/service/pins.key',
    };
    assert.deepEqual(berth('service', 'look', own).pins, []);
    const mine = berth('service', 'pin', own);
    assert.equal(mine.traits.pullsAs, 'caller');
    assertPins(mine, 'service');
    assertPinned(berth('service', 'look'), 'service', 'started by berth');
    assert.deepEqual([mine.warnings, berth('service', 'look').warnings], [[], []]);
    const listed = podman('service', undefined, 'ps -a --format {{.Labels}}');
    assert.equal(listed.trim().split('\n').length, 2);
  });

  await t.test('the user’s socket is used, and no link in its place', async () => {
    const path = '/run/user/1002/podman/podman.sock';
    sh('install -d -o manager /run/user/1002/podman');
    const service = `podman system service --time=0 unix://${path}`;
    const unit = 'systemd-run --quiet --unit=socket-of-manager --property=User=manager';
    sh(`${unit} --setenv=XDG_RUNTIME_DIR=/run/user/1002 ${service}
until [ -S ${path} ]; do sleep 0.1; done`);
    assertPinned(berth('manager', 'look'), 'manager', 'at the socket of the user');
    // In the sandbox root may not write to the user's socket, and has a service of its own started.
    const boxed = berth('manager', 'look', { options: sandbox });
    assertPinned(boxed, 'manager', 'started by berth');
    sh('systemctl stop socket-of-manager');
    // A socket of root's own, behind which something listens.
    sh(`rm -f ${path}; ln -s /run/systemd/private ${path}`);
    assertPinned(berth('manager', 'look'), 'manager', 'started by berth');
  });

  await t.test('a berth that is killed leaves nothing', async () => {
    assert.equal(sh('ls -d /run/berth-podman-* 2>/dev/null || true'), '');
    for (const [name, command] of [
      ['service', users.worker('service', 'stay')],
      ['boxed', users.worker('boxed', 'stay')],
    ] as const) {
      await begin(users, `${command} & echo $! >/run/${name}.pid; wait`);
      sh('ls -d /run/berth-podman-*');
      sh(`kill -KILL $(cat /run/${name}.pid)`);
      sh('until [ -z "$(ls -d /run/berth-podman-* 2>/dev/null)" ]; do sleep 0.1; done');
    }
  });
}

function assertPinned(report: Report, user: string, service: string): void {
  assert.equal(report.info.name, `podman:${user}`);
  assert.ok(report.info.description.endsWith(service), report.info.description);
  assert.equal(report.info.directory, `/home/${user}/.local/share/containers/storage`);
  assert.equal(report.traits.pullsAs, 'other');
  assertPins(report, user);
}

function assertPins({ pins, genuine, names }: Report, user: string): void {
  assert.deepEqual(pins, [{ of: `podman:${user}`, root: 'os', sealed: true }]);
  assert.equal(genuine, 1);
  assert.deepEqual(names, ['quay.example/app:1']);
}

/** The user's podman runs the image, and keeps it through what else the user does. */
function assertUsable({ podman }: UsersHost, user: string, runtime: string | undefined): void {
  const run = () => podman(user, runtime, 'run --rm --network none quay.example/app:1');
  assert.equal(run(), 'it runs\n');
  for (const words of [
    'image prune -af',
    'system prune -af',
    'container prune -f',
    'pod prune -f',
  ]) {
    podman(user, runtime, words);
  }
  assert.equal(run(), 'it runs\n');
}

/** The command lines of a user's processes. */
function processesOf({ sh }: UsersHost, uid: number): string {
  return sh(`for process in /proc/[0-9]*; do
  [ "$(stat -c %u "$process" 2>/dev/null)" = ${uid} ] && tr '\\0' ' ' <"$process/cmdline" && echo
done; true`);
}
