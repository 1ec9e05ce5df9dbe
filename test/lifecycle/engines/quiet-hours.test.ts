import assert from 'node:assert/strict';
import test from 'node:test';
import { planStage } from '../../../src/lifecycle/plan/plan.ts';
import { quietEngines } from '../../../src/lifecycle/quiet-hours.ts';
import { type Staged, stage } from '../../../src/lifecycle/stage/stage.ts';
import { buildImage } from '../../support/image-builder.ts';
import {
  APP,
  atBoot,
  BEN,
  type ManyEngines,
  never,
  startEngines,
} from '../../support/many-engines.ts';

/** Stages the root `os` in quiet hours, which go on for an hour. */
async function stageQuietly(host: ManyEngines): Promise<Staged> {
  const now = new Date();
  const minute = now.getHours() * 60 + now.getMinutes();
  const day = 24 * 60;
  const hours = { from: (minute + day - 60) % day, to: (minute + 60) % day };
  const given = host.context();
  const context = { ...given, engines: quietEngines(given.engines, hours) };
  const wanted = await host.wanted('os');
  const engines = new Set(wanted.bindings.map(({ engine }) => engine));
  const root = { id: 'os', location: host.record('os').location };
  return stage(context, {
    id: 'os',
    engines,
    plan: (situation) => planStage(context, host.registry, situation, root, wanted),
  });
}

test('in quiet hours nothing comes for any engine, and what waits is handed over', async (t) => {
  const host = await startEngines(t);
  host.be('docker', never);
  host.be(APP, atBoot);
  host.server.push('web:1', buildImage({ layers: [{ bytes: 10_000, seed: 1 }] }));
  host.server.push('new:1', buildImage({ layers: [{ bytes: 10_000, seed: 2 }] }));
  host.tree('os', { 'web:1': [APP] });
  await host.stage('os');
  host.tree('os', { 'web:1': [APP], 'new:1': ['podman', BEN, 'docker'] });
  host.be(APP, undefined);
  host.server.requests.length = 0;
  const { failures } = await stageQuietly(host);
  assert.deepEqual(
    failures.map(({ image: { engine }, error: { code } }) => `${engine} ${code}`).sort(),
    ['docker quiet-hours', 'podman quiet-hours', `${BEN} quiet-hours`],
  );
  assert.deepEqual(
    host.server.requests.filter(({ path }) => path.includes('/blobs/')),
    [],
  );
  assert.equal((await host.engine(APP).images()).length, 1, 'no network is needed for that');
  assert.deepEqual(await host.engine(BEN).images(), []);
});
