import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { inspect } from 'node:util';
import { hostPolicyFiles } from '../../../../src/registry/policy/files.ts';
import { withKeyring } from '../../../../src/registry/policy/openpgp/keyring.ts';
import { openRoot } from '../../../../src/root/open-root.ts';
import { startGpg } from '../../../support/gpg.ts';
import { skipPodman } from '../../../support/podman.ts';
import { temporaryDirectory } from '../../../support/temporary.ts';

const options = { skip: skipPodman };
const PROGRAM = '/usr/bin/gpg';

/** Where temporary files go until the test ends. */
function useTemporary(t: TestContext, directory: string): void {
  const before = process.env['TMPDIR'];
  t.after(() => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  });
  process.env['TMPDIR'] = directory;
}

/** The directories that berth made for gpg and that are still there. */
const left = () => readdirSync(tmpdir()).filter((name) => name.startsWith('berth-gpg-'));

function keys(t: TestContext) {
  const gpg = startGpg(t);
  gpg.key('a');
  const key = gpg.public('a');
  const verify = (message: Buffer, program = PROGRAM, signal?: AbortSignal) =>
    withKeyring([program], [key], signal, (keyring) => keyring.verify(message));
  return { gpg, key, verify };
}

test('a signed text comes back as it was signed, and nothing is left', options, async (t) => {
  // Other tests have gpg's directories in the common one.
  useTemporary(t, temporaryDirectory(t));
  const before = left();
  const { gpg, verify } = keys(t);
  const text = Buffer.from([0, 255, 13, 10, 13]);
  assert.deepEqual(await verify(gpg.sign('a', text)), text);
  assert.match(inspect(await verify(Buffer.from('hello'))), /not an OpenPGP signature/);
  assert.deepEqual(left(), before);
});

test('a small message with a large text is not unpacked', options, async (t) => {
  const { gpg, verify } = keys(t);
  const bomb = gpg.sign('a', Buffer.alloc(64 * 1024 * 1024), { words: ['-z', '9'] });
  assert.ok(bomb.length < 128 * 1024);
  assert.equal(typeof (await verify(bomb)), 'string');
});

test('the user’s own keys and settings play no part', options, async (t) => {
  const { gpg, key, verify } = keys(t);
  gpg.key('b');
  const { GNUPGHOME: before } = process.env;
  t.after(() => {
    if (before === undefined) delete process.env['GNUPGHOME'];
    else process.env['GNUPGHOME'] = before;
  });
  process.env['GNUPGHOME'] = gpg.home;
  assert.match(inspect(await verify(gpg.sign('b', 'text'))), /another key/);
  const none = await withKeyring([PROGRAM], [], undefined, async () => assert.fail('no key'));
  assert.match(none, /none of its keys/);
  assert.ok(key.length > 0);
});

test('a program that is not there, fails, or writes without end', options, async (t) => {
  const { gpg, verify } = keys(t);
  const message = gpg.sign('a', 'text');
  const directory = temporaryDirectory(t);
  const program = (name: string, script: string) => {
    const path = join(directory, name);
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
    return path;
  };
  useTemporary(t, directory);
  const before = left();
  const refusals = [
    [join(directory, 'none'), /could not be run/],
    [program('failing', 'exit 2'), /none of its keys/],
    [program('endless', 'yes >&3'), /wrote too much/],
    [program('liar', 'echo "[GNUPG:] IMPORT_OK 1 AB" >&3'), /not an OpenPGP signature/],
  ] as const;
  for (const [path, reason] of refusals) assert.match(inspect(await verify(message, path)), reason);
  const stop = new AbortController();
  const slow = program('slow', 'exec sleep 1000');
  const waiting = verify(message, slow, stop.signal);
  stop.abort(new Error('stopped'));
  await assert.rejects(waiting, /stopped/);
  assert.deepEqual(left(), before);
});

test(
  'homes of killed processes are removed by a later one, and others are left alone',
  options,
  async (t) => {
    const { gpg, verify } = keys(t);
    const temporary = temporaryDirectory(t);
    const { TMPDIR: before } = process.env;
    t.after(() => {
      if (before === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = before;
    });
    process.env['TMPDIR'] = temporary;
    const hoursAgo = new Date(Date.now() - 2 * 3_600_000);
    const made = ['berth-gpg-killed', 'berth-gpg-working', 'other'].map((name) =>
      join(temporary, name),
    );
    for (const directory of made) mkdirSync(join(directory, 'inside'), { recursive: true });
    symlinkSync('other', join(temporary, 'berth-gpg-link'));
    lutimesSync(join(temporary, 'berth-gpg-link'), hoursAgo, hoursAgo);
    for (const name of ['berth-gpg-killed', 'other'])
      utimesSync(join(temporary, name), hoursAgo, hoursAgo);
    assert.ok(Buffer.isBuffer(await verify(gpg.sign('a', 'text'))));
    assert.deepEqual(readdirSync(temporary).sort(), [
      'berth-gpg-link',
      'berth-gpg-working',
      'other',
    ]);
  },
);

test('gpg has a limit for its memory where the host has prlimit', options, async (t) => {
  const root = openRoot('/');
  t.after(() => root.close());
  const places = { userDirectory: '/nowhere', localLookaside: '/nowhere', programs: '/usr/bin' };
  const command = hostPolicyFiles(root, places).gpg();
  assert.ok(command !== undefined);
  const { gpg, key } = keys(t);
  const text = await withKeyring(command, [key], undefined, (keyring) =>
    keyring.verify(gpg.sign('a', 'text')),
  );
  assert.deepEqual(text, Buffer.from('text'));
  const shell = [...command.slice(0, -1), '/bin/sh', '-c', 'ulimit -d'] as const;
  const [program, ...words] = shell;
  assert.equal(spawnSync(program, words).stdout.toString().trim(), '262144');
  const alone = temporaryDirectory(t);
  symlinkSync(PROGRAM, join(alone, 'gpg'));
  assert.deepEqual(hostPolicyFiles(root, { ...places, programs: alone }).gpg(), [
    join(alone, 'gpg'),
  ]);
});

test('without a directory for temporary files no key can be used, and the reason is told', async (t) => {
  useTemporary(t, '/nonexistent/tmp');
  const found = await withKeyring([PROGRAM], [], undefined, async () => assert.fail('no key'));
  assert.match(found, /^no directory for gpg: ENOENT.*; TMPDIR may name one$/);
});
