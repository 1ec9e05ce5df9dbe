import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { systemctl } from '../../src/systemctl/systemctl.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** Puts a stand-in for systemctl first, or nothing at all: the real one does not fail on demand. */
function standIn(t: TestContext, script?: string): void {
  const directory = temporaryDirectory(t);
  if (script !== undefined) {
    writeFileSync(join(directory, 'systemctl'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  const before = process.env['PATH'];
  process.env['PATH'] = directory;
  t.after(() => {
    process.env['PATH'] = before;
  });
}

const manager = systemctl({ user: false, environment: process.env });
const { signal } = new AbortController();

test('without a running systemd there is an error that says so', async (t) => {
  standIn(t);
  await assert.rejects(manager.all([]), { code: 'services', message: /systemctl show/ });
});

test('systemctl is not asked for names that no service can have', async (t) => {
  standIn(t, 'case "$*" in *@.service* | *" /"*) exit 1;; esac; echo "Id=$*"');
  const asked = ['web.service', 'web@a.service', 'web@.service', '/etc/x.service', 'a b.service'];
  const [words] = (await manager.all(asked)).keys();
  assert.match(words ?? '', / -- \*\.service web\.service web@a\.service$/);
});

test('a failed start has the reason in systemctl’s words', async (t) => {
  standIn(t, '[ "$1" = restart ] && { echo "Job for $3 failed." >&2; exit 1; }; exit 0');
  assert.equal(await manager.restart('web.service', signal), 'Job for web.service failed.');
});

test('an aborted restart is no failure of the service', async (t) => {
  standIn(t, '[ "$1" = restart ] && while :; do :; done; exit 0');
  const abort = new AbortController();
  const restart = manager.restart('web.service', abort.signal);
  const reason = new Error('ended');
  abort.abort(reason);
  await assert.rejects(restart, reason);
});

test('a unit has its aliases, and each command that prepares its start', async (t) => {
  const command = (words: string) =>
    `{ path=/bin/podman ; argv[]=/bin/podman ${words} ; ignore_errors=no ; pid=0 }`;
  const lines = [
    'Id=a-pod.service',
    'Names=a-pod.service a.service',
    `ExecStartPre=${command('info')}`,
    `ExecStartPre=${command('pod create --name a')}`,
    `ExecStart=${command('pod start a')}`,
  ];
  standIn(t, lines.map((line) => `echo '${line}'`).join('\n'));
  const { names, command: start, preparations } = await manager.one('a.service');
  assert.deepEqual(names, ['a-pod.service', 'a.service']);
  assert.equal(start, '/bin/podman pod start a');
  assert.deepEqual(preparations, ['/bin/podman info', '/bin/podman pod create --name a']);
});

test('a job that outlives its time is cancelled', async (t) => {
  const directory = temporaryDirectory(t);
  const asked = join(directory, 'asked');
  standIn(
    t,
    `echo "$*" >> ${asked}
    case "$1" in restart) while :; do :; done;; show) echo Job=42;; esac`,
  );
  const hasty = systemctl({ user: false, environment: process.env, startTimeout: 1 });
  assert.match(
    (await hasty.restart('web.service', signal)) ?? '',
    /^it was not ready in 0\.001 s$/,
  );
  assert.deepEqual(readFileSync(asked, 'utf8').trim().split('\n').slice(-2), [
    'show --property=Job -- web.service',
    'cancel -- 42',
  ]);
});

test('a required unit that is ordered later is not counted as earlier, like the containers of a pod', async (t) => {
  standIn(t, 'echo Id=pod.service; echo Wants=web.service; echo Before=web.service a.target');
  assert.deepEqual((await manager.one('pod.service')).after, []);
});
