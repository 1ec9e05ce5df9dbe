import assert from 'node:assert/strict';
import test from 'node:test';
import type { Wake } from '../../../src/engine/wake.ts';
import { startFakePodman } from './fake-podman.ts';

test('an endless stream is bounded by its lines, not by its length', async (t) => {
  const event = {
    Type: 'image',
    Action: 'tag',
    Actor: { Attributes: { name: 'x'.repeat(60_000) } },
  };
  const line = `${JSON.stringify(event)}\n`;
  const lines = Math.ceil((65 * 1024 * 1024) / line.length);
  const { engine } = await startFakePodman(t, (call, response) => {
    assert.match(call, /^GET \/events/);
    for (let i = 0; i < lines; i++) response.write(line);
    response.end();
  });
  let wakes = 0;
  for await (const wake of engine.losses?.(AbortSignal.any([])) ?? [])
    wakes += Number(wake === 'lost');
  assert.equal(wakes, lines);
});

test('an event that can’t be read counts as a loss', async (t) => {
  const { engine } = await startFakePodman(t, (_, response) => {
    response.end('no JSON\n{"Type":"container"}\n\n');
  });
  const wakes: Wake[] = [];
  for await (const wake of engine.losses?.(AbortSignal.any([])) ?? []) wakes.push(wake);
  assert.deepEqual(wakes, ['listening', 'lost', 'lost']);
});
