import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import test from 'node:test';
import * as v from 'valibot';
import { ApplyResult } from '../../src/documents/schemas.ts';
import { systemctl } from '../../src/systemctl/systemctl.ts';
import { HANGS_S, runs, service, startHostLab, state } from '../support/host-lab.ts';
import type { Booted } from '../support/ostree-host.ts';

const units = 'usr/share/containers/systemd';
const services = 'usr/lib/systemd/system';

function applied(host: Booted, ...words: string[]) {
  const { code, stdout, stderr } = host.try('berth', 'apply', '--format', 'json', ...words);
  assert.notEqual(stdout, '', stderr);
  const result = v.parse(ApplyResult, JSON.parse(stdout));
  const outcomes = Object.fromEntries(
    result.services.map(({ unit, updated }) => [unit.replace('.service', ''), updated]),
  );
  return { code, stderr, outcomes, idle: result.idle };
}

/** A service of the OS that uses no image, and goes down with another. */
const other = (needs: string) => ({
  [`${services}/other.service`]: `[Unit]\nBindsTo=${needs}\nAfter=${needs}\n[Service]\nExecStart=/usr/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n`,
  [`${services}/multi-user.target.d/other.conf`]: '[Unit]\nWants=other.service\n',
});

/** A service without Quadlet, which the administrator starts by its alias. */
const aliased = (image: string) => ({
  [`${services}/plain.service`]: `[Service]\nEnvironment=PODMAN_SYSTEMD_UNIT=%n\nExecStartPre=-/usr/bin/podman rm -f plain\nExecStart=/usr/bin/podman run --name=plain --rm --cgroups=disabled --network=host ${image}\nExecStop=-/usr/bin/podman stop -t0 plain\n[X-Berth]\nBind=yes\n[Install]\nAlias=alias.service\n`,
  [`${services}/multi-user.target.d/alias.conf`]: '[Unit]\nWants=alias.service\n',
});

/** The pause process of pods, which the OS of the tests has no package for. */
function addCatatonit(tree: string): void {
  const script = resolve(import.meta.dirname, '../../scripts/trixie-package.sh');
  const home = execFileSync(script, ['catatonit'], { encoding: 'utf8' }).trim();
  mkdirSync(join(tree, 'usr/libexec/podman'), { recursive: true });
  cpSync(join(home, 'usr/bin/catatonit'), join(tree, 'usr/libexec/podman/catatonit'));
}

test('pods, aliases, dependants of a killed apply, and a job without an end', async (t) => {
  const lab = await startHostLab(t, { berth: true });
  const old = { db: lab.push('db:1', 'old'), plain: lab.push('plain:1', 'old') };
  lab.push('inside:1', 'old');
  const inside = service('inside', lab.name('inside:1'), 'Pod=group.pod\n');
  lab.commit(
    'acme/a',
    {
      ...service('db', lab.name('db:1')),
      ...other('db.service'),
      ...aliased(lab.name('plain:1')),
      [`${units}/group.pod`]: '[Pod]\nNetwork=host\n[Install]\nWantedBy=multi-user.target\n',
      [`${units}/inside.container`]: String(Object.values(inside)[0]).replace('Network=host\n', ''),
      [`${services}/endless.service`]:
        '[Service]\nType=oneshot\nTimeoutStartSec=infinity\nExecStart=/usr/bin/sleep infinity\n',
    },
    addCatatonit,
  );
  lab.deploy('acme/a');
  const host = await lab.boot();
  const journal = () => host.try('journalctl', '-b', '--no-pager', '-n', '80').stdout;
  const all = ['db', 'other', 'plain', 'group-pod', 'inside'];
  const states = () => all.map((name) => state(host, name)).join(' ');
  const up = all.map(() => 'active').join(' ');
  host.run('systemctl', 'enable', 'plain.service');
  host.run('systemctl', 'start', 'alias.service');
  assert.equal(states(), up, journal());
  assert.equal(applied(host, '--watch', '0').code, 0);

  const label = () =>
    host.run('podman', 'pod', 'inspect', '-f', '{{.Labels.test}}', 'systemd-group');
  const changePod = (value: string) => {
    const text = `[Pod]\nNetwork=host\nPodmanArgs=--label=test=${value}\n[Install]\nWantedBy=multi-user.target\n`;
    host.run('mkdir', '-p', '/etc/containers/systemd');
    host.run('sh', '-c', `printf '${text}' > /etc/containers/systemd/group.pod`);
  };

  await t.test('a pod that changed is restarted, and what is in it with it', () => {
    changePod('one');
    const { code, outcomes, idle, stderr } = applied(host, '--watch', '0');
    assert.equal(code, 0, stderr + journal());
    assert.deepEqual(outcomes, {
      db: 'false',
      'group-pod': 'true',
      inside: 'false',
      plain: 'false',
    });
    assert.deepEqual(idle, []);
    assert.equal(label(), 'one');
    assert.equal(states(), up, journal());
    assert.equal(applied(host, '--watch', '0').outcomes['group-pod'], 'false');
    changePod('two');
    host.run('systemctl', 'daemon-reload');
    const next = lab.push('inside:1', 'next');
    const both = applied(host, '--watch', '0');
    assert.equal(both.outcomes['group-pod'], 'true', both.stderr);
    assert.equal(both.outcomes['inside'], 'true', both.stderr);
    assert.equal(runs(host, 'inside'), next);
    assert.equal(label(), 'two');
  });

  await t.test('a service that is known by an alias is restarted', () => {
    assert.equal(runs(host, 'plain'), old.plain);
    const next = lab.push('plain:1', 'next');
    const { outcomes, stderr } = applied(host, '--watch', '0');
    assert.equal(outcomes['plain'], 'true', stderr + journal());
    assert.equal(runs(host, 'plain'), next);
    assert.deepEqual(Object.keys(outcomes).sort(), ['db', 'group-pod', 'inside', 'plain']);
  });

  await t.test('what went down with a service before a kill runs after the next apply', () => {
    lab.push('db:1', 'bad', 0, 'exit 1');
    // systemd waits before each start of db, so that the apply is killed while all of them are down.
    host.run('mkdir', '-p', '/run/systemd/system/db.service.d');
    host.run(
      'sh',
      '-c',
      'printf \'[Service]\\nExecStopPost=/usr/bin/sh -c "test ! -e /run/slow || touch /run/down; while test -e /run/slow; do sleep 1; done"\\n\' > /run/systemd/system/db.service.d/slow.conf',
    );
    host.run('systemctl', 'daemon-reload');
    host.run('touch', '/run/slow');
    host.run('systemd-run', '--unit=applying', 'berth', 'apply', '--watch', '2');
    host.run('timeout', HANGS_S, 'sh', '-c', 'until test -e /run/down; do sleep 0.2; done');
    host.run('systemctl', 'kill', '-s', 'KILL', 'applying');
    host.run('rm', '/run/slow');
    // The restart that was begun goes on without berth, and fails.
    host.run('timeout', HANGS_S, 'sh', '-c', 'until systemctl is-failed db; do sleep 0.2; done');
    host.run('timeout', HANGS_S, 'sh', '-c', 'while systemctl is-active other; do sleep 0.2; done');
    const { outcomes, stderr } = applied(host, '--watch', '2');
    assert.equal(outcomes['db'], 'rolled back', stderr + journal());
    assert.equal(runs(host, 'db'), old.db);
    assert.equal(states(), up, stderr + journal());
  });

  await t.test('a job that outlives its time is cancelled', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'berth-systemctl-'));
    t.after(() => rmSync(directory, { recursive: true }));
    const enter = `exec nsenter -t ${host.leader} -a -- systemctl "$@"`;
    writeFileSync(join(directory, 'systemctl'), `#!/bin/sh\n${enter}\n`, { mode: 0o755 });
    const environment = { ...process.env, PATH: `${directory}:${process.env['PATH']}` };
    const manager = systemctl({ user: false, environment, startTimeout: 3000 });
    const { signal } = new AbortController();
    const failure = await manager.restart('endless.service', signal);
    assert.equal(failure, 'it was not ready in 3 s');
    assert.doesNotMatch(host.run('systemctl', 'list-jobs'), /endless/);
  });
});
