import test from 'node:test';
import { skipDocker } from '../../support/docker.ts';
import { testCalls } from './calls-contract.ts';
import { testSurvival } from './survival.ts';
import { startTestedDocker } from './tested-docker.ts';

test('the docker of Debian bookworm, with its own image store, keeps the contract of an engine', {
  skip: skipDocker,
}, async (t) => {
  const docker = await startTestedDocker(t, { suite: 'bookworm', store: 'overlay2' });
  await testCalls(t, docker);
  await testSurvival(t, docker);
});
