import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { EngineId } from '../../src/common/engine-id.ts';
import type { EnginesOptions } from '../../src/host/engines/open-engine.ts';
import { hostEngines } from '../../src/host/engines.ts';
import { MemoryRegistry } from '../support/memory-registry.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** Engines of a host that has none. */
async function enginesOf(t: TestContext, options: Partial<EnginesOptions>) {
  const directory = temporaryDirectory(t);
  const nothing = join(directory, 'nothing');
  const engines = await hostEngines({
    name: undefined,
    configured: undefined,
    user: false,
    environment: {
      PATH: '',
      DOCKER_HOST: `unix://${nothing}`,
      CONTAINERD_ADDRESS: nothing,
      CONTAINER_RUNTIME_ENDPOINT: `unix://${nothing}`,
    },
    alone: false,
    target: undefined,
    pinKey: join(directory, 'pins.key'),
    warn: () => {},
    storeDirectory: join(directory, 'store'),
    registry: new MemoryRegistry(),
    isLimiting: false,
    warnOfLimit: () => {},
    limitRate: undefined,
    downloadOnly: false,
    ...options,
  });
  t.after(() => engines.close());
  return engines;
}

const system: readonly (readonly [EngineId, string])[] = [
  ['docker', 'docker'],
  ['containerd', 'containerd'],
  ['containerd:moby', 'containerd'],
  ['crio', 'CRI-O'],
  ['podman:mallory', 'podman:mallory, the podman of another user'],
];

test('with --user nothing but the podman of the caller is reached', async (t) => {
  const engines = await enginesOf(t, { user: true });
  for (const [id, called] of system) {
    const { absence } = await engines.open(id);
    const reason = `only root can reach ${called}`;
    assert.deepEqual(absence, { reason, hint: 'run berth as root', takes: 'never' });
  }
});

test('what an OS needs that does not run yet waits for its boot', async (t) => {
  const target = { storage: '/nonexistent/storage', temporary: '/nonexistent/tmp' };
  const engines = await enginesOf(t, { target });
  const reasons: readonly (readonly [EngineId, string])[] = [
    ['docker', 'an OS that does not run yet has no docker'],
    ['containerd:moby', 'an OS that does not run yet has no containerd'],
    ['podman:mallory', 'the users of an OS that does not run yet have no podman'],
  ];
  for (const [id, reason] of reasons) {
    const { absence } = await engines.open(id);
    assert.equal(absence?.reason, reason);
    assert.equal(absence?.takes, 'at-boot');
  }
});
