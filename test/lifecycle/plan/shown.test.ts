import assert from 'node:assert/strict';
import test from 'node:test';
import { buildImage } from '../../support/image-builder.ts';
import { startEngines } from '../../support/many-engines.ts';

test('a plan that is shown is the same whether its registry is far or near', async (t) => {
  const host = await startEngines(t);
  for (const seed of [1, 2]) {
    host.server.push(`app${seed}:1`, buildImage({ layers: [{ bytes: 10_000, seed }] }));
  }
  host.tree('os', { 'app1:1': ['podman'], 'app2:1': ['podman'] });
  const shown = async () => {
    const { way, directIfNear, bytes, space } = await host.plan('os', { isShown: true });
    return {
      way,
      directIfNear,
      bytes,
      space: space.map(({ needed, stays }) => ({ needed, stays })),
    };
  };
  // Nobody has replied sooner than this yet.
  host.server.fault = () => ({ kind: 'late', by: 30 });
  const far = await shown();
  assert.equal((await host.plan('os')).way, 'two-steps', 'the stage takes the faster way');
  host.server.fault = undefined;
  for (let again = 0; again < 3; again++) assert.deepEqual(await shown(), far);
  assert.deepEqual([far.way, far.directIfNear], ['two-steps', true]);
  assert.equal((await host.stage('os')).plan.directIfNear, undefined, 'a stage has decided');
});
