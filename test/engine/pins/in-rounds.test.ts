import assert from 'node:assert/strict';
import test from 'node:test';
import { EngineError } from '../../../src/engine/errors.ts';
import { pinInRounds } from '../../../src/engine/pins/in-rounds.ts';

const failure = new EngineError('engine-failed', 'no room', { hint: 'none' });

/** Pins in rounds that each make a container, and returns what was taken back. */
async function takenBack(
  round: (count: number) => boolean,
  takeBack = (_made: ReadonlySet<string>) => {},
) {
  let count = 0;
  let taken: readonly string[] | undefined;
  const rounds = async (made: Set<string>) => {
    made.add(`container ${++count}`);
    return round(count);
  };
  const outcome = await pinInRounds('os', [], rounds, 'look', async (made) => {
    taken = [...made];
    takeBack(made);
  }).then(
    () => 'pinned',
    (error: unknown) => error,
  );
  return { outcome, taken };
}

test('what is pinned is not taken back', async () => {
  assert.deepEqual(await takenBack((count) => count < 3), { outcome: 'pinned', taken: undefined });
});

test('what was made for pins that fail is taken back', async () => {
  const failing = await takenBack((count) => {
    if (count === 2) throw failure;
    return true;
  });
  assert.deepEqual(failing, { outcome: failure, taken: ['container 1', 'container 2'] });
  const undone = await takenBack(() => true);
  assert.match(String(undone.outcome), /somebody else keeps changing the pins of os/);
  assert.equal(undone.taken?.length, 8);
});

test('the first failure is told, though taking back fails too', async () => {
  const round = () => {
    throw failure;
  };
  const other = new EngineError('engine-unreachable', 'gone', { hint: 'none' });
  const { outcome } = await takenBack(round, () => {
    throw other;
  });
  assert.equal(outcome, failure);
});
