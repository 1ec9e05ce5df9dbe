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
import type { Booted } from '../support/ostree-host.ts';

const deploy = (host: Booted) =>
  host.run('ostree', 'admin', 'deploy', '--os=acme', '--stage', 'acme/b');

const states = (host: Booted, ...units: string[]) => units.map((unit) => state(host, unit));

const journal = (host: Booted, ...words: string[]) =>
  host.try('journalctl', '--no-pager', ...words, '-u', 'berth-*').stdout;

/** Root A runs; root B wants what the registry does not have yet. */
async function start(lab: HostLab) {
  const first = lab.push('web:1', 'first');
  lab.commit('acme/a', service('web', lab.name('web:1')));
  lab.deploy('acme/a');
  const host = await lab.boot();
  assert.equal(runs(host, 'web'), first, journal(host, '-b'));
  reconciledAfter(host, () => host.run('systemctl', 'start', 'berth-reconcile.service'));
  const second = lab.push('web:2', 'second');
  lab.commit('acme/b', {
    ...service('web', lab.name('web:2')),
    ...service('side', lab.name('side:1')),
  });
  return { host, first, second };
}

test('a registry that dies half-way keeps the host on what works, and the next try gets through', async (t) => {
  const lab = await startHostLab(t, { berth: true });
  const { host: before, first, second } = await start(lab);
  const a = before.id;
  // One image is here when the registry goes, the other is not.
  reconciledAfter(before, () => deploy(before));
  await lab.stopRegistry();
  assert.equal(before.try('berth', 'verify', 'staged').code, 3);
  await t.test(
    'a soft reboot would enter what is prepared, though it is held: the gate warns',
    () => {
      const trees = 'ls -d /sysroot/ostree/deploy/acme/deploy/*.0';
      const tree = before.run('sh', '-c', `${trees} | grep -v ${a}`);
      before.run('mkdir', '/run/nextroot');
      before.run('mount', '--bind', tree, '/run/nextroot');
      before.run('systemctl', 'stop', 'berth-gate');
      assert.match(
        journal(before, '-b', '0'),
        /warning: a soft reboot enters [0-9a-f]{64}\.0, whatever this gate holds: it is NOT ready: \S+side:1 is not there/,
      );
      before.run('umount', '/run/nextroot');
      before.run('rmdir', '/run/nextroot');
      before.run('systemctl', 'start', 'berth-gate');
    },
  );
  await before.powerOff();

  const held = await lab.boot();
  assert.equal(held.id, a, journal(held, '-b', '-1'));
  assert.deepEqual(states(held, 'web'), ['active']);
  assert.equal(runs(held, 'web'), first);
  assert.match(held.try('berth', 'status').stderr, /was held back at .*side:1 is not there/s);
  assert.match(journal(held, '-b', '0'), /was held back at .*side:1 is not there/);
  assert.match(
    journal(held, '-b', '-1'),
    /is HELD: 1 thing is missing\. The host boots what it runs now; it has been held since /,
  );

  await lab.startRegistry();
  const third = lab.push('side:1', 'side');
  const said = reconciledAfter(held, () => deploy(held));
  assert.match(said, /fetched +\S+side:1/);
  const blobs = lab.served().filter(({ path }) => path.includes('/blobs/'));
  assert.ok(blobs.length > 0);
  for (const { path } of blobs) assert.match(path, /^side\/blobs\//, 'only what was missing');
  const bytes = blobs.reduce((sum, blob) => sum + blob.bytes, 0);
  assert.ok(bytes < 50_000, `${bytes}: the layer that web:2 has too is here already`);
  assert.equal(held.try('berth', 'verify', 'staged').code, 0, said);
  await lab.stopRegistry();
  await held.powerOff();
  const after = await lab.boot();
  assert.notEqual(after.id, a);
  assert.deepEqual(states(after, 'web', 'side'), ['active', 'active'], journal(after, '-b'));
  assert.deepEqual([runs(after, 'web'), runs(after, 'side')], [second, third]);
  assert.equal(after.try('berth', 'status').stderr, '');
});

test('a gate that can’t tell holds nothing, and says so', async (t) => {
  const lab = await startHostLab(t, { berth: true });
  let { host } = await start(lab);
  const a = host.id;
  const dropIn = '/etc/systemd/system/berth-gate.service.d/test.conf';
  const timeout = host.run('systemctl', 'show', '-P', 'TimeoutStopUSec', 'berth-gate.service');
  assert.equal(timeout, '30s');

  /** Queues B, does something about the gate, and goes down; what boots next, and what was said. */
  const down = async (prepare: (host: Booted) => void) => {
    reconciledAfter(host, () => deploy(host));
    prepare(host);
    await host.powerOff();
    const [next] = lab.bootable();
    host = await lab.boot(a);
    host.run('rm', '-rf', dropIn, '/etc/berth');
    host.run('systemctl', 'daemon-reload');
    const said = host.try('journalctl', '--no-pager', '-b', '-1', '-u', 'berth-gate').stdout;
    return { isHeld: next === a, said };
  };
  const gateIs = (command: string) => (running: Booted) => {
    running.run('mkdir', '-p', '/etc/systemd/system/berth-gate.service.d');
    running.run(
      'sh',
      '-c',
      `printf '[Service]\\nTimeoutStopSec=3s\\nExecStop=\\nExecStop=${command}\\n' > ${dropIn}`,
    );
    running.run('systemctl', 'daemon-reload');
  };

  await t.test('as it is, it holds', async () => {
    const { isHeld, said } = await down(() => undefined);
    assert.ok(isHeld, said);
  });
  for (const [what, command, words] of [
    ['missing', '/nowhere/berth gate', /status=203\/EXEC/],
    ['crashes', '/bin/sh -c "kill -SEGV $$$$"', /SEGV|dumped/],
    ['hangs', '/bin/sleep infinity', /[Tt]imed out|timed out/],
  ] as const) {
    await t.test(`a berth that is ${what}`, async () => {
      const { isHeld, said } = await down(gateIs(command));
      assert.ok(!isHeld, said);
      assert.match(said, words);
    });
  }
  await t.test('no record of the queued root', async () => {
    const { isHeld, said } = await down((running) => {
      running.run('berth', 'release', 'staged');
    });
    assert.ok(!isHeld, said);
    assert.match(said, /never staged here: NOT known to be ready, and let through/);
  });
  await t.test('an engine that can’t be asked', async () => {
    const { isHeld, said } = await down((running) => {
      const broken = '[Service]\\nEnvironment=CONTAINERS_STORAGE_CONF=/nowhere\\n';
      running.run('mkdir', '-p', '/etc/systemd/system/berth-gate.service.d');
      running.run('sh', '-c', `printf '${broken}' > ${dropIn}`);
      running.run('systemctl', 'daemon-reload');
    });
    assert.ok(!isHeld, said);
    assert.match(said, /podman/);
  });
  await t.test('a configuration that broke after a gate by hand had held', async () => {
    const { isHeld, said } = await down((running) => {
      assert.equal(running.try('berth', 'gate').code, 3);
      running.run('mkdir', '/etc/berth');
      running.run('sh', '-c', 'echo nonsense > /etc/berth/berth.toml');
    });
    assert.ok(!isHeld, said);
    assert.match(said, /berth\.toml/);
  });
  await t.test('one that was held for as long as is set', async () => {
    const { isHeld, said } = await down((running) => {
      running.run('mkdir', '/etc/berth');
      running.run('sh', '-c', "printf '[gate]\\ndays = 0\\n' > /etc/berth/berth.toml");
    });
    assert.ok(!isHeld, said);
    assert.match(said, /is NOT ready, and let through: the host was held since/);
  });
});
