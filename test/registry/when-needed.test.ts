import assert from 'node:assert/strict';
import test from 'node:test';
import type { Registry } from '../../src/registry/registry.ts';
import { openWhenNeeded } from '../../src/registry/when-needed.ts';

const nothing = async () => assert.fail('not expected here');

/** Registries that reply when they are told to, and record what happens to them. */
function opener() {
  const log: string[] = [];
  const answers: ((milliseconds: number) => void)[] = [];
  const open = async (): Promise<Registry> => {
    const number = log.filter((line) => line.startsWith('open')).length + 1;
    log.push(`open ${number}`);
    return {
      permit: nothing,
      signatures: nothing,
      foresee: nothing,
      resolve: nothing,
      resolveAll: nothing,
      manifest: nothing,
      download: nothing,
      credentials: nothing,
      quickestReply: () => new Promise((resolve) => answers.push(resolve)),
      isLimited: nothing,
      close: () => log.push(`close ${number}`),
    };
  };
  return { log, answers, open };
}

/** Lets everything that is ready continue. */
const settled = () => new Promise(setImmediate);

test('nothing is opened before something is asked, nor by a run that asks nothing', async () => {
  const { log, open } = opener();
  const registry = openWhenNeeded(open);
  registry.beginRun();
  registry.beginRun();
  registry.close();
  await settled();
  assert.deepEqual(log, []);
});

test('a run opens anew, and what it left is closed with the last call to it', async () => {
  const { log, answers, open } = opener();
  const registry = openWhenNeeded(open);
  const slow = registry.quickestReply('a', {});
  await settled();
  registry.beginRun();
  const other = registry.quickestReply('a', {});
  await settled();
  assert.deepEqual(log, ['open 1', 'open 2'], 'the first call is still under way');
  answers[0]?.(1);
  answers[1]?.(2);
  assert.deepEqual([await slow, await other], [1, 2]);
  await settled();
  assert.deepEqual(log, ['open 1', 'open 2', 'close 1']);
  registry.close();
  await settled();
  assert.deepEqual(log, ['open 1', 'open 2', 'close 1', 'close 2']);
});

test('a failure to open the registry is reported to the whole run, and the next run tries again', async () => {
  let times = 0;
  const registry = openWhenNeeded(async () => {
    throw new Error(`fault ${++times}`);
  });
  await assert.rejects(registry.quickestReply('a', {}), /fault 1/);
  await assert.rejects(registry.quickestReply('a', {}), /fault 1/);
  registry.beginRun();
  await assert.rejects(registry.quickestReply('a', {}), /fault 2/);
});
