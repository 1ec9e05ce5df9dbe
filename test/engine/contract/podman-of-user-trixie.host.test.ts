import test from 'node:test';
import { skipPodman } from '../../support/podman.ts';
import { startBootedPodman } from './booted-podman.ts';
import { testSurvival } from './survival.ts';

test('pins in a user’s podman of Debian trixie survive what they should', {
  skip: skipPodman,
}, async (t) => {
  await testSurvival(t, await startBootedPodman(t, 'trixie', 'user'));
});
