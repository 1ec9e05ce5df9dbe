import test from 'node:test';
import { skipContainerd } from '../../support/containerd.ts';
import { testCalls } from './calls-contract.ts';
import { testSurvival } from './survival.ts';
import { startTestedContainerd } from './tested-containerd.ts';

test('the containerd of Debian trixie keeps the contract of an engine', {
  skip: skipContainerd,
}, async (t) => {
  const containerd = await startTestedContainerd(t, 'trixie', 'cri');
  await testCalls(t, containerd);
  await testSurvival(t, containerd);
});

test('the containerd of Debian trixie without a CRI keeps the contract of an engine', {
  skip: skipContainerd,
}, async (t) => {
  const containerd = await startTestedContainerd(t, 'trixie', 'plain');
  await testCalls(t, containerd);
  await testSurvival(t, containerd);
});
