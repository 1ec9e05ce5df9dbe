import test from 'node:test';
import { skipDocker } from '../../support/docker.ts';
import { testCalls } from './calls-contract.ts';
import { testSurvival } from './survival.ts';
import { startTestedDocker } from './tested-docker.ts';

test('the docker of Debian forky, with the image store of containerd, keeps the contract of an engine', {
  skip: skipDocker,
}, async (t) => {
  const docker = await startTestedDocker(t, { suite: 'forky', store: 'containerd' });
  await testCalls(t, docker);
  await testSurvival(t, docker);
});
