import test from 'node:test';
import { skipPodman } from '../../support/podman.ts';
import { startEmbeddedStore } from './embedded-store.ts';
import { testSurvival } from './survival.ts';

test('commands of others on the embedded store', { skip: skipPodman }, async (t) => {
  await testSurvival(t, await startEmbeddedStore(t));
});
