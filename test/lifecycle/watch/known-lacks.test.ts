import assert from 'node:assert/strict';
import test from 'node:test';
import type { ProgressEvent } from '../../../src/lifecycle/events.ts';
import { KnownLacks } from '../../../src/lifecycle/watch/known-lacks.ts';
import type { Lack } from '../../../src/lifecycle/watch/lacks.ts';

const lack = (code: Lack['code'], name = 'app:1'): Lack => ({
  code,
  engine: 'podman',
  id: `sha256:${'a'.repeat(64)}`,
  name,
  message: `${name}: ${code}`,
});

function knownLacks() {
  const told: string[] = [];
  const report = (event: ProgressEvent) => {
    if (event.event === 'lost') told.push(`lost ${event.code} ${event.name}`);
    if (event.event === 'healed') told.push(`healed ${event.code} after ${event.milliseconds}`);
  };
  return { known: new KnownLacks('os', report), told };
}

test('a loss is reported once, and once when it is back', () => {
  const { known, told } = knownLacks();
  known.see([lack('pin-missing')], 1000);
  known.see([lack('pin-missing')], 1100);
  assert.deepEqual(known.all, [lack('pin-missing')]);
  known.see([], 1250);
  assert.deepEqual(told, ['lost pin-missing app:1', 'healed pin-missing after 250']);
  assert.deepEqual(known.all, []);
});

test('what another berth process takes away by right is reported neither as lost nor as back', () => {
  const { known, told } = knownLacks();
  known.suspect([lack('pin-missing')], 1000);
  known.see([], 1250);
  assert.deepEqual(told, []);
  known.suspect([lack('pin-missing')], 2000);
  known.see([lack('pin-missing')], 2100);
  known.see([], 2250);
  assert.deepEqual(told, ['lost pin-missing app:1', 'healed pin-missing after 250']);
});

test('a pin whose image is lost as well is not back until the image is', () => {
  const { known, told } = knownLacks();
  known.see([lack('pin-missing')], 0);
  known.see([lack('image-missing')], 100);
  assert.deepEqual(told, ['lost pin-missing app:1', 'lost image-missing app:1']);
  known.see([], 300);
  assert.deepEqual(told.slice(2), ['healed image-missing after 200']);
});
