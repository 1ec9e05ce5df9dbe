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

test('every image that was left half-written is removed', async (t) => {
  const { api } = await start(t, [one, other]);
  assert.deepEqual(await repairImages(api, signal, 0), [`sha256:${one}`, `sha256:${other}`]);
});

test('an image that is finished meanwhile stays', async (t) => {
  const left = [one];
  const { api, removals } = await start(t, left);
  const repaired = repairImages(api, signal, 50);
  left.pop();
  assert.deepEqual(await repaired, []);
  assert.deepEqual(removals(), []);
});

test('an image that comes back is an error, and no endless work', async (t) => {
  const { api, engine, removals } = await start(t, [one], () => undefined);
  const isTorn = (error: unknown) => error instanceof EngineError && error.code === 'torn-image';
  await assert.rejects(repairImages(api, signal, 0), isTorn);
  assert.equal(removals().length, 1);
  await assert.rejects(engine.images(), isTorn);
});

test('where podman tells its images nothing is done', async (t) => {
  const { engine, calls } = await start(t, []);
  assert.deepEqual(await engine.repair?.(signal), []);
  assert.deepEqual(calls, ['GET /images/json']);
});
