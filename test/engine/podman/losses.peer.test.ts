import assert from 'node:assert/strict';
import test from 'node:test';
import { EngineError } from '../../../src/engine/errors.ts';
import type { Wake } from '../../../src/engine/wake.ts';
import { skipPodman } from '../../support/podman.ts';
import { openHarbour, pinRequest } from './fixture.ts';

const skip = skipPodman;

test('every kind of loss wakes, and what is no loss does not', { skip }, async (t) => {
  const { podman, engine, fetched } = await openHarbour(t);
  const image = await fetched('app:1', 1);
  await engine.tag(image.config, image.name);
  const pin = async () => {
    await engine.pin('os-1', [pinRequest(image)]);
    return podman.podman('ps', '--all', '--quiet', '--filter', 'name=berth-pin');
  };
  const first = await pin();
  const wakes = engine.losses?.(AbortSignal.any([]))[Symbol.asyncIterator]();
  assert.ok(wakes);
  const next = async () => (await wakes.next()).value as Wake;
  assert.equal(await next(), 'listening');
  await podman.podman('create', '--name', 'of-a-service', image.config, 'x');
  await podman.podman('rm', 'of-a-service');
  const renamed = podman.podman('rename', first, 'no-pin');
  assert.equal(await next(), 'lost', 'the first wake is that of the new name');
  await renamed;
  const losses: readonly (readonly string[])[] = [
    ['tag', image.config, 'localhost/other:1'],
    ['untag', image.config, 'localhost/other:1'],
    ['rm', await pin().then((ids) => ids.split('\n').find((id) => id !== first) ?? '')],
    ['rmi', '--force', image.config],
  ];
  for (const loss of losses) {
    const woken = next();
    await podman.podman(...loss);
    assert.equal(await woken, 'lost', loss.join(' '));
  }
  await wakes.return?.();
});

test('the stream ends with podman, and can be had again', { skip }, async (t) => {
  const { podman, engine } = await openHarbour(t);
  const follow = async () => {
    const seen: Wake[] = [];
    for await (const wake of engine.losses?.(AbortSignal.any([])) ?? []) {
      seen.push(wake);
      await podman.kill();
    }
    return seen;
  };
  await assert.rejects(follow(), EngineError);
  await assert.rejects(follow(), EngineError);
  await podman.restart();
  await assert.rejects(follow(), EngineError);
});

test('a signal ends the stream', { skip }, async (t) => {
  const { engine } = await openHarbour(t);
  const abort = new AbortController();
  const reason = new Error('enough');
  const follow = async () => {
    for await (const wake of engine.losses?.(abort.signal) ?? []) {
      assert.equal(wake, 'listening');
      abort.abort(reason);
    }
  };
  await assert.rejects(follow(), reason);
});
