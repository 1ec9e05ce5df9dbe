import assert from 'node:assert/strict';
import { basename } from 'node:path';
import test from 'node:test';
import * as v from 'valibot';
import { ApplyResult } from '../../src/documents/schemas.ts';
import {
  HANGS_S,
  type HostLab,
  imageUnit,
  runs,
  service,
  startHostLab,
  state,
} from '../support/host-lab.ts';
import type { Booted } from '../support/ostree-host.ts';

/** In seconds; longer than the ten after which an image here ends. */
const WATCH = '25';

/** Says by the host's own systemd-notify that it is ready, and stays. */
const SAYS_READY =
  'set -- /host/lib64/ld-linux-*; ld=$1; set -- /host/lib/*-linux-gnu; ' +
  '$ld --library-path $1:$1/systemd /host/bin/systemd-notify --ready --no-block; ' +
  'exec /bin/busybox sleep 2147483647';

/** One that is never ready is waited for so long; one that is, on a busy machine. */
const SPEAKS =
  'Notify=yes\nVolume=/usr:/host:ro\n[Service]\nTimeoutStartSec=40\nTimeoutStopSec=2\n';

/** Less often than systemd lets a unit be started again and again. */
const CHECKED =
  'HealthCmd=["/bin/busybox", "grep", "-q", "well", "/content"]\nHealthInterval=3s\nHealthTimeout=5m\nHealthRetries=3\n';

/** Its check is run by nobody, and podman says for ever that it is starting. */
const UNCHECKED = 'HealthCmd=["/bin/busybox", "false"]\nHealthInterval=disable\n';

/** A template of which one instance is enabled. */
function template(name: string, image: string): Record<string, string> {
  const files = Object.entries(service(name, image, '[Install]\nDefaultInstance=a'));
  return Object.fromEntries(
    files.map(([path, text]) => [
      path.replace(name, `${name}@`),
      text.replace(`ContainerName=${name}\n`, `ContainerName=${name}-%i\n`),
    ]),
  );
}

const needs = (unit: string) => `[Unit]\nRequires=${unit}.service\nAfter=${unit}.service\n`;

const journal = (host: Booted, ...words: string[]) =>
  host.try('journalctl', '-b', '--no-pager', '-n', '60', ...words).stdout;

function applied(host: Booted, ...words: string[]) {
  const { code, stdout, stderr } = host.try('berth', 'apply', '--format', 'json', ...words);
  assert.notEqual(stdout, '', stderr);
  const { services, ...rest } = v.parse(ApplyResult, JSON.parse(stdout));
  const outcomes = Object.fromEntries(
    services.map(({ unit, updated }) => [unit.replace('.service', ''), updated]),
  );
  return { code, stderr, outcomes, ...rest };
}

const running = (host: Booted, ...names: string[]) =>
  Object.fromEntries(names.map((name) => [name, runs(host, name)]));

const pushAll = (lab: HostLab, content: string, ...names: string[]) =>
  Object.fromEntries(names.map((name) => [name, lab.push(`${name}:1`, content + name)]));

test('good images, one that is never ready, one that ends after ten seconds', async (t) => {
  const lab = await startHostLab(t, { berth: true });
  const plain = {
    ...pushAll(lab, 'old', 'good', 'ends', 'moved', 'same'),
    ready: lab.push('ready:1', 'old', 0, SAYS_READY),
  };
  const checked = {
    never: lab.push('never:1', 'old', 0, SAYS_READY),
    sick: lab.push('sick:1', 'well'),
    unchecked: lab.push('unchecked:1', 'old'),
    well: lab.push('well:1', 'well'),
  };
  const old: Readonly<Record<string, string>> = { ...plain, ...checked };
  lab.push('many:1', 'old');
  const names = ['ends', 'good', 'moved', 'never', 'ready', 'same', 'sick', 'unchecked', 'well'];
  lab.commit('acme/a', {
    ...service('good', lab.name('good:1'), 'AutoUpdate=registry\n'),
    ...service('ends', lab.name('ends:1')),
    ...service('moved', lab.name('moved:1')),
    ...service('same', lab.name('same:1')),
    ...template('many', lab.name('many:1')),
    ...service('ready', lab.name('ready:1'), SPEAKS),
    ...service('never', lab.name('never:1'), SPEAKS),
    ...service('sick', lab.name('sick:1'), CHECKED),
    ...service('unchecked', lab.name('unchecked:1'), UNCHECKED),
    ...service('well', lab.name('well:1'), CHECKED),
  });
  lab.deploy('acme/a');
  const host = await lab.boot();
  host.run('systemctl', 'start', 'many@b');
  const instances = ['many-a', 'many-b'];
  assert.deepEqual(running(host, ...names), old, journal(host));
  const started = () => host.run('podman', 'inspect', '-f', '{{.Id}}', 'same');
  const same = started();

  const many = lab.push('many:1', 'next');
  const next = {
    good: lab.push('good:1', 'next'),
    ends: lab.push('ends:1', 'next', 0, '/bin/busybox sleep 10; exit 1'),
    ready: lab.push('ready:1', 'next', 0, SAYS_READY),
    unchecked: lab.push('unchecked:1', 'next'),
    well: lab.push('well:1', 'very well'),
  };
  lab.push('never:1', 'next');
  lab.push('sick:1', 'ill');

  await t.test('a dry run shows it as podman auto-update does, and changes nothing', () => {
    const shown = host.run('berth', 'apply', '--dry-run');
    const podman = host.run('podman', 'auto-update', '--dry-run');
    const columns = (text: string) => text.split('\n')[0]?.trim().split(/ {2,}/);
    assert.deepEqual(columns(shown), columns(podman));
    const row = (text: string, unit: string) =>
      text
        .split('\n')
        .find((line) => line.trim().startsWith(`${unit}.service`))
        ?.trim()
        .split(/ {2,}/);
    assert.deepEqual(row(shown, 'good'), row(podman, 'good'));
    assert.equal(row(shown, 'same')?.at(-1), 'false');
    assert.deepEqual(running(host, ...names), old);
  });

  await t.test('what comes up stays, what does not goes back, the others are left alone', () => {
    const { code, outcomes, stderr, findings } = applied(host, '--watch', WATCH);
    const expected = {
      ends: 'rolled back',
      good: 'true',
      'many@a': 'true',
      'many@b': 'true',
      moved: 'false',
      never: 'rolled back',
      ready: 'true',
      same: 'false',
      sick: 'rolled back',
      unchecked: 'true',
      well: 'true',
    };
    assert.deepEqual(outcomes, expected, stderr + journal(host));
    assert.equal(code, 1);
    assert.deepEqual(findings, []);
    assert.match(stderr, /ends\.service was rolled back: it did not stay up/);
    const now = { ...old, ...next, ends: old['ends'] };
    assert.deepEqual(running(host, ...names), now);
    assert.deepEqual(running(host, ...instances), { 'many-a': many, 'many-b': many });
    for (const name of names) assert.equal(state(host, name), 'active', name);
    assert.equal(started(), same, 'it was not restarted');
    assert.equal(host.try('berth', 'verify').code, 0);
    host.run('systemctl', 'start', 'berth-reconcile.service');
    assert.deepEqual(running(host, ...names), now);
  });

  await t.test('mended, the next one brings them, and then there is nothing to do', () => {
    const mended = {
      ends: lab.push('ends:1', 'mended'),
      never: lab.push('never:1', 'mended', 0, SAYS_READY),
      sick: lab.push('sick:1', 'well again'),
    };
    assert.equal(applied(host, '--watch', '2').code, 0);
    assert.deepEqual(running(host, 'ends', 'never', 'sick'), mended);
    const { outcomes } = applied(host, '--watch', '2');
    assert.deepEqual(new Set(Object.values(outcomes)), new Set(['false']));
  });

  await t.test('a changed /etc: a unit that changed, references that are new', () => {
    const side = lab.push('side:1', 'side');
    const moved = lab.push('moved:2', 'moved');
    host.run('mkdir', '-p', '/etc/containers/systemd/good.container.d');
    const write = (path: string, text: string) =>
      host.run('sh', '-c', 'printf %s "$1" > "$2"', 'sh', text, `/etc/containers/systemd/${path}`);
    for (const [path, text] of Object.entries({
      ...service('side', lab.name('side:1')),
      ...service('moved', 'moved.image'),
      ...imageUnit('moved', lab.name('moved:2')),
    })) {
      write(basename(path), text);
    }
    write('good.container.d/more.conf', '[Container]\nEnvironment=MORE=1\n');
    const { code, outcomes, idle, stderr } = applied(host, '--watch', '2');
    assert.equal(code, 0, stderr);
    assert.deepEqual(outcomes, {
      ends: 'false',
      good: 'true',
      'many@a': 'false',
      'many@b': 'false',
      moved: 'true',
      never: 'false',
      ready: 'false',
      same: 'false',
      sick: 'false',
      unchecked: 'false',
      well: 'false',
    });
    assert.deepEqual(idle, ['side.service']);
    assert.match(host.run('podman', 'inspect', 'good'), /MORE=1/);
    assert.equal(runs(host, 'moved'), moved);
    const result = host.run('systemctl', 'show', '-P', 'Result', 'moved-image');
    assert.equal(result, 'exec-condition', 'what apply has brought is not pulled once more');
    host.run('systemctl', 'start', 'side');
    assert.equal(runs(host, 'side'), side);
    // Also where somebody else has systemd read the units before.
    write('good.container.d/more.conf', '[Container]\nEnvironment=MORE=2\n');
    host.run('systemctl', 'daemon-reload');
    assert.equal(applied(host, '--watch', '2').outcomes['good'], 'true');
    assert.match(host.run('podman', 'inspect', 'good'), /MORE=2/);
    assert.equal(applied(host, '--watch', '2').outcomes['good'], 'false');
  });
});

test('three in a chain whose middle one fails, also killed half-way and run again', async (t) => {
  const lab = await startHostLab(t, { berth: true });
  const old = pushAll(lab, 'old', 'db', 'app', 'web');
  lab.commit('acme/a', {
    ...service('db', lab.name('db:1')),
    ...service('app', lab.name('app:1'), needs('db')),
    ...service('web', lab.name('web:1'), needs('app')),
  });
  lab.deploy('acme/a');
  const host = await lab.boot();
  assert.deepEqual(running(host, 'db', 'app', 'web'), old, journal(host));

  const bad = (content: string) => lab.push('app:1', content, 0, 'exit 1');
  const isAsItShould = (db: string | undefined) => {
    assert.deepEqual(running(host, 'db', 'app', 'web'), { ...old, db }, journal(host));
    for (const name of ['db', 'app', 'web']) assert.equal(state(host, name), 'active', name);
    assert.equal(host.try('berth', 'verify').code, 0);
  };

  await t.test('the first is new, the middle one goes back, the last is not reached', () => {
    const next = pushAll(lab, 'next', 'db', 'web');
    bad('next');
    const { code, outcomes, stderr } = applied(host, '--watch', '2');
    assert.deepEqual(
      outcomes,
      { db: 'true', app: 'rolled back', web: 'pending' },
      stderr + journal(host),
    );
    assert.equal(code, 1);
    isAsItShould(next['db']);
  });

  await t.test('killed while one is watched, the next run ends it without a registry', async () => {
    const next = pushAll(lab, 'third', 'db', 'web');
    bad('third');
    host.run(
      'systemd-run',
      '--unit=applying',
      'berth',
      'apply',
      '--watch',
      '600',
      '--progress',
      'plain',
    );
    const follow = "journalctl --no-pager -f -n all -u applying | sed '/restarts db/q'";
    host.run('timeout', HANGS_S, 'sh', '-c', follow);
    host.run('systemctl', 'kill', '-s', 'KILL', 'applying');
    await lab.stopRegistry();
    const { code, outcomes, stderr } = applied(host, '--watch', '2');
    assert.deepEqual(
      outcomes,
      { db: 'true', app: 'rolled back', web: 'pending' },
      stderr + journal(host),
    );
    assert.equal(code, 1);
    isAsItShould(next['db']);
    await lab.startRegistry();
  });

  await t.test('and what was tried in vain is prune’s', () => {
    host.run('berth', 'prune', '--force');
    // Each start of one is one of those that need it: a quick host would have too many of them.
    host.run('systemctl', 'reset-failed', 'db.service', 'app.service', 'web.service');
    host.run('systemctl', 'restart', 'db', 'app', 'web');
    assert.equal(host.try('berth', 'verify').code, 0);
  });
});
