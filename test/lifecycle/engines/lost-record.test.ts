import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { EngineId } from '../../../src/common/engine-id.ts';
import { EngineError } from '../../../src/engine/errors.ts';
import type { Context } from '../../../src/lifecycle/context.ts';
import { readSituation, recoverSituation } from '../../../src/lifecycle/situation.ts';
import { buildImage } from '../../support/image-builder.ts';
import { type ManyEngines, startEngines } from '../../support/many-engines.ts';

/** A host on which the record of the only root on docker is lost, beside that of a root on podman. */
async function hostWithLoss(t: test.TestContext) {
  const host = await startEngines(t);
  host.server.push('web:1', buildImage({ layers: [{ bytes: 1000, seed: 1 }] }));
  host.tree('on-podman', { 'web:1': ['podman'] });
  host.tree('on-docker', { 'web:1': ['docker'] });
  await host.stage('on-podman');
  await host.stage('on-docker');
  const record = host.record('on-docker');
  rmSync(join(host.state.directory, 'roots/on-docker.json'));
  host.opened.length = 0;
  return { host, record };
}

/** The context of a host on which engines run. */
function running(host: ManyEngines, ...present: readonly EngineId[]): Context {
  const context = host.context();
  return { ...context, engines: { ...context.engines, present: async () => present } };
}

for (const [what, looked] of [
  ['all roots', {}],
  ['the root itself', { root: 'on-docker' }],
  ['another root without a record', { root: 'new' }],
] as const) {
  test(`a lost record beside others is found in an engine of no record: ${what}`, async (t) => {
    const { host, record } = await hostWithLoss(t);
    const { engines } = await recoverSituation(running(host, 'podman', 'docker', 'crio'), looked);
    assert.deepEqual([...engines.keys()].toSorted(), ['docker', 'podman']);
    const { engine, staged } = host.record('on-docker');
    assert.equal(engine, 'docker');
    assert.deepEqual(
      staged?.images.map(({ id }) => id),
      record.staged?.images.map(({ id }) => id),
    );
  });
}

test('for a root on record no other engine is opened', async (t) => {
  const { host } = await hostWithLoss(t);
  await readSituation(running(host, 'docker'), { root: 'on-podman' });
  assert.deepEqual(host.opened, ['podman']);
});

test('an engine of no record without pins of lost records is left out', async (t) => {
  const { host, record } = await hostWithLoss(t);
  host.state.write(record);
  const { engines } = await readSituation(running(host, 'docker', 'crio'));
  assert.deepEqual([...engines.keys()].toSorted(), ['docker', 'podman']);
  assert.deepEqual(host.warnings, []);
});

test('an engine of no record that fails is a warning, and keeps no other from being looked at', async (t) => {
  const { host } = await hostWithLoss(t);
  host.change('crio', () => ({
    pins: async () => {
      throw new EngineError('engine-failed', 'it is broken', { hint: '' });
    },
  }));
  const { records } = await readSituation(running(host, 'docker', 'crio'));
  assert.ok(records.has('on-docker'));
  assert.deepEqual(
    host.warnings.filter((one) => one.startsWith('crio')),
    ["crio can't be asked for pins that tell of lost records: it is broken"],
  );
});
