import assert from 'node:assert/strict';
import test from 'node:test';
import { EngineError } from '../../../src/engine/errors.ts';
import type { PinRequest } from '../../../src/engine/pin.ts';
import type { Hold } from '../../../src/engine/pins/holds.ts';
import { pinInRounds } from '../../../src/engine/pins/in-rounds.ts';

const failure = new EngineError('engine-failed', 'no room', { hint: 'none' });

const request: PinRequest = {
  id: `sha256:${'a'.repeat(64)}`,
  platform: 'linux/amd64',
  names: [],
  fetched: true,
  record: { location: '/', images: 1, problems: 0, staged: '2026-01-01T00:00:00.000Z' },
};

/** A pin as it was asked for, in the container that the second round makes. */
const hold: Hold = { ...request, root: 'os', container: 'container 2', sealed: true };

interface Failing {
  /** Called when the containers are looked for that became pins. */
  readonly look?: () => void;
  readonly holds?: readonly Hold[];
}

/** Pins in rounds that each make a container, and returns what was removed afterwards. */
async function takenBack(
  round: (count: number) => boolean,
  { look = () => {}, holds = [] }: Failing = {},
) {
  let count = 0;
  const removed: string[] = [];
  const outcome = await pinInRounds('os', [request], {
    round: async (made) => {
      made.add(`container ${++count}`);
      return round(count);
    },
    holds: async () => {
      look();
      return holds;
    },
    remove: async (container) => {
      removed.push(container);
    },
    tidy: async () => {
      removed.push('pod');
    },
    hint: 'look',
  }).then(
    () => 'pinned',
    (error: unknown) => error,
  );
  return { outcome, removed };
}

/** Fails in the third round. */
function failingLate(count: number): boolean {
  if (count === 3) throw failure;
  return true;
}

test('what is pinned is not taken back', async () => {
  assert.deepEqual(await takenBack((count) => count < 3), { outcome: 'pinned', removed: [] });
});

test('what was made for pins that fail is taken back', async () => {
  const failing = await takenBack(failingLate);
  const removed = ['container 1', 'container 2', 'container 3', 'pod'];
  assert.deepEqual(failing, { outcome: failure, removed });
  const undone = await takenBack(() => true);
  assert.match(String(undone.outcome), /somebody else keeps changing the pins of os/);
  assert.equal(undone.removed.length, 9);
});

test('what became a pin as it was asked for is kept for the next try', async () => {
  const { removed } = await takenBack(failingLate, { holds: [hold] });
  assert.deepEqual(removed, ['container 1', 'container 3', 'pod']);
  const unsealed = await takenBack(failingLate, { holds: [{ ...hold, sealed: false }] });
  assert.equal(unsealed.removed.length, 4);
});

test('the first failure is told, though taking back fails too', async () => {
  const round = () => {
    throw failure;
  };
  const look = () => {
    throw new EngineError('engine-unreachable', 'gone', { hint: 'none' });
  };
  const { outcome } = await takenBack(round, { look });
  assert.equal(outcome, failure);
});
