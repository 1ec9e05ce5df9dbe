import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { deploymentsIn, type OpenImage, readBootc } from '../../src/deployment/bootc.ts';
import { runningSystem } from '../../src/deployment/places.ts';
import { openRoot } from '../../src/root/open-root.ts';
import { writeRoot } from '../support/berth.ts';
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

test('hosts with fewer deployments, and hosts without bootc', () => {
  for (const name of ['booted-only', 'rollback-queued', 'composefs']) {
    const deployments = read(name) ?? [];
    assert.equal(deployments.filter(({ role }) => role === 'booted').length, 1, name);
  }
  assert.equal(read('not-a-bootc-host'), undefined);
});

/** A host with composefs that has staged another root, and where that one is mounted. */
function stagedComposefs(t: TestContext, mount: string | undefined, openImage?: OpenImage) {
  const document = JSON.parse(sample('composefs')) as {
    status: { staged: unknown; booted: { composefs: { verity: string } } };
  };
  const { verity } = document.status.booted.composefs;
  document.status.staged = document.status.booted;
  const mountinfo = join(temporaryDirectory(t), 'mountinfo');
  const line = (source: string) =>
    `61 29 0:52 / ${mount?.replaceAll(' ', '\\040')} ro shared:1 - overlay ${source} ro\n`;
  writeFileSync(mountinfo, line(`composefs:${mount === undefined ? 'other' : verity}`));
  const places = { ...runningSystem, mountinfo };
  const staged = deploymentsIn(JSON.stringify(document), places, openImage)?.at(1);
  assert.equal(staged?.role, 'staged');
  return { staged, document, places };
}

test('a composefs root is read where it is mounted', async (t) => {
  const directory = join(temporaryDirectory(t), 'with space');
  const { staged } = stagedComposefs(t, directory);
  await assert.rejects(async () => staged.open(), { code: 'unreadable-root' });
  writeRoot(directory, { 'usr/lib/os-release': 'ID=acme\n' });
  const root = await staged.open();
  t.after(() => root.close());
  assert.equal(root.readFile('/usr/lib/os-release')?.content.toString(), 'ID=acme\n');
});

test('a composefs root that is not mounted is read from its image, if bootc names one', async (t) => {
  const opened: string[] = [];
  const openImage = async (spec: string) => {
    opened.push(spec);
    return openRoot(temporaryDirectory(t));
  };
  const { staged, document, places } = stagedComposefs(t, undefined, openImage);
  (await staged.open()).close();
  assert.match(opened.join(), /^image:[a-z0-9./]+@sha256:[0-9a-f]{64}$/);
  const nameless = JSON.stringify(document, (key, value: unknown) =>
    key === 'image' ? null : value,
  );
  const other = deploymentsIn(nameless, places, openImage)?.at(1);
  await assert.rejects(async () => other?.open(), {
    code: 'unreadable-root',
    hint: /mount its image/,
  });
  assert.equal(opened.length, 1);
});

test('malformed answers are errors and never mean that there are no deployments', () => {
  const good = sample('staged');
  for (const bad of [
    '',
    '{',
    good.replaceAll('"deploySerial": 0', '"deploySerial": "x"'),
    good.replaceAll('"deploySerial": 0', '"deploySerial": -1'),
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

test('bootc by a socket: an answer, an empty answer, and no socket', async (t) => {
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

test('a socket that drips without end is an error', async (t) => {
  const path = join(temporaryDirectory(t), 'status.sock');
  const connected = new Promise<Socket>((resolve) => {
    const server = createServer(resolve).listen(path);
    t.after(() => server.close());
  });
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const answer = readBootc(runningSystem, { BERTH_BOOTC_STATUS: `unix:${path}` });
  const failed = assert.rejects(answer, { code: 'deployments', message: /no whole answer/ });
  const socket = await connected;
  socket.on('error', () => undefined);
  for (let second = 0; second < 60; second += 1) {
    socket.write(' ');
    t.mock.timers.tick(1000);
  }
  await failed;
  socket.destroy();
});

test('the program: missing, answering, failing', async (t) => {
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
