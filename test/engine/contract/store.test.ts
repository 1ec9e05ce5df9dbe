import test from 'node:test';
import { testCalls } from './calls-contract.ts';
import { startEmbeddedStore } from './embedded-store.ts';

test('the embedded store keeps the contract of an engine', async (t) => {
  await testCalls(t, await startEmbeddedStore(t));
});
