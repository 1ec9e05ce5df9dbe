import test from 'node:test';
import { skipPodman } from '../../support/podman.ts';
import { startBootedPodman } from './booted-podman.ts';
import { testCalls } from './calls-contract.ts';
import { testSurvival } from './survival.ts';

test('the podman of Debian bookworm keeps the contract of an engine', {
  skip: skipPodman,
}, async (t) => {
  const podman = await startBootedPodman(t, 'bookworm');
  await testCalls(t, podman);
  await testSurvival(t, podman);
});
