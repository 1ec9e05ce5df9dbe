import assert from 'node:assert/strict';
import test from 'node:test';
import { apply, planApply } from '../../../src/lifecycle/apply/apply.ts';
import type { Service, ServiceManager } from '../../../src/systemctl/services.ts';
import { buildImage } from '../../support/image-builder.ts';
import { APP, type ManyEngines, never, startEngines } from '../../support/many-engines.ts';

/** A systemd in which no service runs. */
const idle: ServiceManager = {
  scopes: new Set(['system']),
  all: async () => new Map<string, Service>(),
  one: async (unit) => assert.fail(unit),
  reload: async () => undefined,
  restart: async (unit) => assert.fail(unit),
};

async function applied(host: ManyEngines) {
  const context = host.context();
  const wanted = await host.wanted('os');
  const deployment = { updater: 'directories', role: 'booted' } as const;
  const root = { id: 'os', location: host.record('os').location, deployment };
  return apply(
    context,
    idle,
    {
      id: 'os',
      engines: new Set(wanted.bindings.map(({ engine }) => engine)),
      plan: (situation) => planApply(context, host.registry, situation, root, wanted),
    },
    { seconds: 0 },
  );
}

test('an apply brings new images to all engines, and the record has each', async (t) => {
  const host = await startEngines(t);
  host.be('docker', never);
  host.change('podman', () => ({ containers: async () => [] }));
  host.server.push('web:1', buildImage({ layers: [{ bytes: 10_000, seed: 1 }] }));
  host.tree('os', { 'web:1': ['docker', 'podman', APP] });
  await host.stage('os');
  const { digest } = host.server.push(
    'web:1',
    buildImage({ layers: [{ bytes: 10_000, seed: 2 }] }),
  );
  const { staged } = await applied(host);
  assert.deepEqual(staged.failures, []);
  const { images = [] } = host.record('os').staged ?? {};
  assert.deepEqual(
    images.map(({ engine, manifest }) => [engine, manifest]),
    [
      ['docker', digest],
      ['podman', digest],
      [APP, digest],
    ],
  );
  assert.deepEqual(await host.findings('os'), ['waits-for-engine docker']);
  for (const id of ['podman', APP] as const) {
    assert.deepEqual(
      (await host.engine(id).pins()).map((pin) => pin.id),
      images.filter(({ engine }) => engine === id).map((image) => image.id),
      `the former image of ${id} is let go`,
    );
  }
  assert.equal((await host.stage('os')).changed, false, 'a stage has nothing left to do');
});
