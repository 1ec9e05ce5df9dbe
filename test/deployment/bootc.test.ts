import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'node:test';
import { deploymentsIn, readBootc } from '../../src/deployment/bootc.ts';
import { runningSystem } from '../../src/deployment/places.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const sample = (name: string) =>
  readFileSync(join(import.meta.dirname, 'data', `bootc-${name}.json`), 'utf8');

const read = (name: string) => deploymentsIn(sample(name), runningSystem);

const summary = (name: string) =>
  read(name)?.map(({ id, role, pinned }) => [id.slice(0, 4), role, pinned]);

test('a host with a staged, a booted, a rollback and a pinned deployment', () => {
  assert.deepEqual(summary('staged'), [
    ['2222', 'booted', false],
    ['3333', 'staged', false],
    ['9999', 'rollback', false],
    ['5555', 'pinned', true],
  ]);
  const [booted] = read('staged') ?? [];
  assert.equal(booted?.id, `${'2'.repeat(64)}.0`);
  assert.equal(booted?.location, `/sysroot/ostree/deploy/default/deploy/${booted?.id}`);
  assert.deepEqual(booted?.image, {
    name: 'quay.io/acme/os:stable',
    digest: `sha256:${'7'.repeat(64)}`,
  });
});

test('hosts with less, and hosts of no such kind', () => {
  for (const name of ['booted-only', 'rollback-queued', 'composefs']) {
    const deployments = read(name) ?? [];
    assert.equal(deployments.filter(({ role }) => role === 'booted').length, 1, name);
  }
  assert.equal(read('not-a-bootc-host'), undefined);
});

test('a composefs root that is not booted can’t be read, and the error says what to do', async () => {
  const document = JSON.parse(sample('composefs')) as {
    status: { staged: unknown; booted: unknown };
  };
  document.status.staged = document.status.booted;
  const other = deploymentsIn(JSON.stringify(document), runningSystem)?.at(1);
  assert.equal(other?.role, 'staged');
  await assert.rejects(other.open(), {
    code: 'unreadable-root',
    hint: /berth stage --id .* image:/,
  });
});

test('answers that make no sense are failures, never no deployments', () => {
  const good = sample('staged');
  for (const bad of [
    '',
    '{',
    good.replaceAll('"deploySerial": 0', '"deploySerial": "x"'),
    good.replace('"stateroot": "default"', '"stateroot": "../../etc"'),
    good.replace('2'.repeat(64), 'zz'),
  ]) {
    assert.throws(
      () => deploymentsIn(bad, runningSystem),
      { code: 'deployments' },
      bad.slice(0, 80),
    );
  }
});

test('bootc by a socket: an answer, an empty one, and none', async (t) => {
  const path = join(temporaryDirectory(t), 'status.sock');
  const environment = { BERTH_BOOTC_STATUS: `unix:${path}` };
  assert.equal(await readBootc(runningSystem, environment), undefined, 'no socket, no bootc');
  let answer = sample('booted-only');
  const server = createServer((socket) => socket.end(answer));
  await new Promise<void>((listening) => server.listen(path, listening));
  t.after(() => server.close());
  assert.equal((await readBootc(runningSystem, environment))?.length, 1);
  for (answer of ['', answer.slice(0, 100)]) {
    await assert.rejects(readBootc(runningSystem, environment), { code: 'deployments' });
  }
});

test('the program: none, one that answers, one that fails', async (t) => {
  const directory = temporaryDirectory(t);
  const environment = { PATH: directory };
  assert.equal(await readBootc(runningSystem, environment), undefined);
  // A stand-in: bootc itself needs a host of its own.
  const program = (text: string) =>
    writeFileSync(join(directory, 'bootc'), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  writeFileSync(join(directory, 'answer'), sample('booted-only'));
  program(`exec /bin/cat ${join(directory, 'answer')}`);
  assert.equal((await readBootc(runningSystem, environment))?.length, 1);
  program('echo "error: no loader" >&2; exit 1');
  await assert.rejects(
    readBootc(runningSystem, environment),
    /bootc status failed: error: no loader/,
  );
});
