import assert from 'node:assert/strict';
import test from 'node:test';
import { EngineError } from '../../../../src/engine/errors.ts';
import { PodmanApi } from '../../../../src/engine/podman/api/api.ts';
import { repairImages } from '../../../../src/engine/podman/images/repair.ts';
import { answer, startFakePodman } from '../fake-podman.ts';

const torn = (id: string) => ({
  message: `locating item named "manifest" for image with ID "${id}": file does not exist`,
});
const [one, other] = ['a'.repeat(64), 'b'.repeat(64)];
const signal = new AbortController().signal;

/** A podman with images that were left half-written, of which it names the first. */
async function start(
  t: Parameters<typeof startFakePodman>[0],
  left: string[],
  remove: (id: string) => void = (id) => left.splice(left.indexOf(id), 1),
) {
  const fake = await startFakePodman(t, (call, response) => {
    const [, removed] = /^DELETE \/images\/(.*)$/.exec(call) ?? [];
    if (removed !== undefined) {
      remove(removed);
      return answer(response, 200, {});
    }
    const [first] = call === 'GET /images/json' ? left : [];
    return first === undefined ? answer(response, 200, []) : answer(response, 500, torn(first));
  });
  const api = new PodmanApi(fake.socket);
  t.after(() => api.close());
  const removals = () => fake.calls.filter((call) => call.startsWith('DELETE'));
  return { ...fake, api, removals };
}

/** A podman that lists its images only at the second call, because another podman was writing one. */
async function startBesideWriter(t: Parameters<typeof startFakePodman>[0]) {
  const replies = [
    { status: 500, body: torn(one) },
    { status: 200, body: [] },
  ];
  const fake = await startFakePodman(t, (_call, response) => {
    const { status, body } = replies.shift() ?? assert.fail('a call too many');
    answer(response, status, body);
  });
  const api = new PodmanApi(fake.socket);
  t.after(() => api.close());
  return { ...fake, api };
}

test('every image that was left half-written is removed', async (t) => {
  const { api } = await start(t, [one, other]);
  assert.deepEqual(await repairImages(api, signal, []), [`sha256:${one}`, `sha256:${other}`]);
});

test('an image that another podman finishes meanwhile stays', async (t) => {
  const { api, calls } = await startBesideWriter(t);
  assert.deepEqual(await repairImages(api, signal, [1]), []);
  assert.deepEqual(calls, ['GET /images/json', 'GET /images/json']);
});

test('an image that comes back is an error, and no endless work', async (t) => {
  const { api, engine, removals } = await start(t, [one], () => undefined);
  const isTorn = (error: unknown) => error instanceof EngineError && error.code === 'torn-image';
  await assert.rejects(repairImages(api, signal, []), isTorn);
  assert.equal(removals().length, 1);
  await assert.rejects(engine.images(), isTorn);
});

test('an image that another podman is writing keeps nobody from listing the images', async (t) => {
  const { engine, calls } = await startBesideWriter(t);
  assert.deepEqual(await engine.images(), []);
  assert.deepEqual(calls, ['GET /images/json', 'GET /images/json']);
});

test('where podman tells its images nothing is done', async (t) => {
  const { engine, calls } = await start(t, []);
  assert.deepEqual(await engine.repair?.(signal), []);
  assert.deepEqual(calls, ['GET /images/json']);
});
