import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import test, { type TestContext } from 'node:test';
import { EngineError } from '../../../../src/engine/errors.ts';
import { type Limits, OTHERS } from '../../../../src/engine/http/limits.ts';
import { PodmanApi } from '../../../../src/engine/podman/api/api.ts';
import { listImages } from '../../../../src/engine/podman/images/images.ts';
import { answer, startFakePodman } from '../fake-podman.ts';

/** In milliseconds, for what the tests wait for: it comes for certain. */
const SOON = 200;

const small = { ...OTHERS, reply: 1024 };
const impatient = { ...small, timeout: SOON, silence: SOON };

async function hostile(
  t: TestContext,
  limits: Limits,
  reply: (response: ServerResponse, call: number) => void,
) {
  let calls = 0;
  const { socket } = await startFakePodman(t, (_, response) => reply(response, ++calls));
  const api = new PodmanApi(socket, { shown: 'the podman of app', limits });
  t.after(() => api.close());
  return { api, calls: () => calls };
}

function isError(code: string, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof EngineError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };
}

for (const [what, reply] of [
  ['says nothing', () => undefined],
  ['says its headers and no more', (response: ServerResponse) => response.flushHeaders()],
  [
    'drips',
    (response: ServerResponse) => {
      const drip = setInterval(() => response.write(' '), SOON / 10);
      response.once('close', () => clearInterval(drip));
    },
  ],
] as const) {
  test(`a user's podman that ${what} costs its time once`, async (t) => {
    const { api, calls } = await hostile(t, impatient, reply);
    const slow = isError('engine-unreachable', /no podman answers at the podman of app.*too long/);
    await assert.rejects(listImages(api), slow);
    await assert.rejects(listImages(api), slow);
    await assert.rejects(
      api.upload({ method: 'POST', path: '/images/load', content: nothing() }),
      slow,
    );
    assert.equal(calls(), 1, 'it is asked no more');
  });
}

async function* nothing(): AsyncGenerator<Buffer> {}

test("a reply of a user's podman is bounded in size", async (t) => {
  const { api } = await hostile(t, small, (response) => {
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(64 * 1024, ' ')));
    };
    response.on('drain', more);
    more();
  });
  await assert.rejects(listImages(api), isError('engine-reply', /larger than/));
});

test("a reply of a user's podman that makes no sense is an error, and the next is read", async (t) => {
  const { api } = await hostile(t, small, (response, call) =>
    answer(response, 200, call === 1 ? { Id: ['x'] } : []),
  );
  await assert.rejects(listImages(api), isError('engine-reply', /not as expected/));
  assert.deepEqual(await listImages(api), []);
});

async function* endless(): AsyncGenerator<Buffer> {
  for (;;) yield Buffer.alloc(64 * 1024);
}

test("a user's podman that takes no more of an archive is given up", async (t) => {
  const { api, calls } = await hostile(t, impatient, (response) => response.req.pause());
  const call = { method: 'POST', path: '/images/load' } as const;
  const slow = isError('engine-unreachable', /too long/);
  await assert.rejects(api.upload({ ...call, content: endless() }), slow);
  await assert.rejects(listImages(api), slow);
  assert.equal(calls(), 1);
});
