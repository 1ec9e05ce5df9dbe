import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'node:test';
import { EngineError, type EngineErrorCode } from '../../../../src/engine/errors.ts';
import { openPodman } from '../../../../src/engine/podman/podman.ts';
import { fromRegistry } from '../../../support/source.ts';
import { temporaryDirectory } from '../../../support/temporary.ts';
import { answer, startFakePodman } from '../fake-podman.ts';

const isError = (code: EngineErrorCode, words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof EngineError, String(error));
  assert.equal(error.code, code, error.message);
  assert.match(error.message, words);
  assert.notEqual(error.hint, '');
  return true;
};

const image = {
  name: 'quay.io/a/b:1',
  digest: `sha256:${'1'.repeat(64)}`,
  manifest: `sha256:${'1'.repeat(64)}`,
  config: `sha256:${'2'.repeat(64)}`,
  platform: 'linux/amd64',
  blobs: [{ mediaType: 'x', digest: `sha256:${'2'.repeat(64)}`, size: 10 }],
};

/** Writes until nobody listens any more. */
function pour(response: ServerResponse, chunk: string): void {
  const fill = () => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on('drain', fill);
  fill();
}

const wrongLists: readonly [string, (response: ServerResponse) => void, EngineErrorCode, RegExp][] =
  [
    ['not JSON', (r) => r.end('<html>'), 'engine-reply', /not JSON/],
    ['another shape', (r) => answer(r, 200, [{ Id: 1 }]), 'engine-reply', /expected: Id: /],
    [
      'an error',
      (r) => answer(r, 500, { message: 'database locked' }),
      'engine-failed',
      /database locked/,
    ],
    ['an error without words', (r) => r.writeHead(503).end(), 'engine-failed', /503/],
    ['no end', (r) => pour(r, ' '.repeat(1 << 20)), 'engine-reply', /larger than 64 MiB/],
    [
      'half of it',
      (r) => r.writeHead(200, { 'content-length': 100 }).write('[', () => r.destroy()),
      'engine-unreachable',
      /closed the connection/,
    ],
    ['no answer', (r) => r.destroy(), 'engine-unreachable', /closed the connection/],
    ['not HTTP', (r) => r.socket?.end('SSH-2.0\r\n'), 'engine-reply', /not HTTP/],
  ];
for (const [what, reply, code, words] of wrongLists) {
  test(`podman answers with ${what}`, async (t) => {
    const { engine } = await startFakePodman(t, (_, response) => reply(response));
    await assert.rejects(engine.images(), isError(code, words));
  });
}

const wrongPulls: readonly [string, (response: ServerResponse) => void, EngineErrorCode, RegExp][] =
  [
    ['nothing', (r) => r.end(), 'engine-reply', /without saying/],
    ['no last line', (r) => r.end('{"stream":"Copying"}\n'), 'engine-reply', /without saying/],
    ['a cut line', (r) => r.end('{"stream":"x"}\n{"images":["'), 'engine-reply', /not JSON/],
    ['an error', (r) => r.end('{"stream":"x"}\n{"error":"denied"}\n'), 'engine-failed', /denied/],
    ['a full disk', (r) => r.end('{"error":"no space left on device"}'), 'no-space', /no space/],
    [
      'a line without end',
      (r) => pour(r, 'x'.repeat(1 << 20)),
      'engine-reply',
      /larger than 64 MiB/,
    ],
    [
      'a refusal',
      (r) => answer(r, 400, { message: 'bad reference' }),
      'engine-failed',
      /bad reference/,
    ],
    [
      'a dropped connection',
      (r) => r.write('{"stream":"x"}\n', () => r.destroy()),
      'engine-unreachable',
      /closed the connection/,
    ],
  ];
for (const [what, reply, code, words] of wrongPulls) {
  test(`a pull is answered with ${what}`, async (t) => {
    const { engine } = await startFakePodman(t, (call, response) =>
      call === 'POST /images/pull' ? reply(response) : answer(response, 200, []),
    );
    await assert.rejects(engine.fetch(image, fromRegistry()), isError(code, words));
  });
}

test('a kept connection that podman closed is made anew', async (t) => {
  const { engine, dropConnections, calls } = await startFakePodman(t, (_, response) =>
    answer(response, 200, []),
  );
  for (let i = 0; i < 20; i++) {
    await engine.images();
    dropConnections();
  }
  assert.equal(calls.length, 20);
});

test('where CONTAINER_HOST says, podman must be, and no other is started', async (t) => {
  const socket = join(temporaryDirectory(t), 'podman.sock');
  const environment = { CONTAINER_HOST: `unix://${socket}`, PATH: process.env['PATH'] };
  await assert.rejects(
    openPodman({ user: false, pinKey: `${socket}.key`, environment }),
    isError('engine-unreachable', /ENOENT/),
  );
});

test('something that is not podman is not taken for it', async (t) => {
  const socket = join(temporaryDirectory(t), 'podman.sock');
  const server = createServer((connection) => {
    connection.resume().end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nOK');
  });
  server.listen(socket);
  await once(server, 'listening');
  t.after(() => server.close());
  await assert.rejects(
    openPodman({
      user: false,
      pinKey: `${socket}.key`,
      environment: { CONTAINER_HOST: `unix://${socket}` },
    }),
    isError('engine-unreachable', /not as podman does/),
  );
});
