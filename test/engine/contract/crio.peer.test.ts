import test from 'node:test';
import { skipPodman } from '../../support/podman.ts';
import { testCalls } from './calls-contract.ts';
import { startCrio } from './crio-on-podman.ts';
import { testSurvival } from './survival.ts';

test('the protocol of CRI-O keeps the contract of an engine', { skip: skipPodman }, async (t) => {
  const crio = await startCrio(t);
  await testCalls(t, crio);
  await testSurvival(t, crio);
});
