import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { readDirectories } from '../../src/deployment/directories.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { openPodman } from '../../src/engine/podman/podman.ts';
import type { Context } from '../../src/lifecycle/context.ts';
import { reconcile } from '../../src/lifecycle/reconcile.ts';
import { readSituation } from '../../src/lifecycle/situation.ts';
import { statusOf } from '../../src/lifecycle/status.ts';
import { State } from '../../src/state/state.ts';
import { clearAway } from '../support/clear-away.ts';
import { theOnly } from '../support/engines.ts';
import { type ManyImages, makeManyImages } from '../support/many-images.ts';
import { MemoryRegistry } from '../support/memory-registry.ts';
import { assertLinear } from '../support/operations.ts';
import { skipPodman } from '../support/podman.ts';

const IMAGES_EACH = 25;
const ROOTS = 16;

interface Host extends ManyImages {
  readonly engine: Engine;
  /** The engine with what it listed, so that work after the lists is counted without them. */
  readonly listed: Engine;
}

test('twice the images and roots on podman cost twice the operations', {
  skip: skipPodman,
}, async (t) => {
  const hosts = new Map<number, Host>();
  for (const roots of [Math.ceil(ROOTS / 10), ROOTS, ROOTS * 2]) {
    hosts.set(roots, await startHost(t, roots));
  }
  const hostOf = (roots: number) => {
    const host = hosts.get(roots);
    assert.ok(host);
    return host;
  };
  for (const work of [list, status, reconcileAll]) {
    await t.test(work.name, () => assertLinear(hostOf, work, ROOTS));
  }
});

async function startHost(t: TestContext, roots: number): Promise<Host> {
  const directory = mkdtempSync(join(tmpdir(), 'berth-test-many-'));
  t.after(() => clearAway(directory));
  const host = await makeManyImages(directory, { roots, imagesEach: IMAGES_EACH });
  t.after(() => host.podman.stop());
  const pinKey = join(host.state, 'pins.key');
  const { environment } = host.podman;
  const engine = await openPodman({ user: false, pinKey, environment });
  t.after(() => engine.close());
  const [images, pins] = await Promise.all([engine.images(), engine.pins()]);
  const listed = { ...engine, images: async () => images, pins: async () => pins };
  return { ...host, engine, listed };
}

async function list({ engine, roots }: Host): Promise<void> {
  const [images, pins] = await Promise.all([engine.images(), engine.pins()]);
  assert.equal(images.length, roots.length * IMAGES_EACH);
  assert.equal(pins.length, images.length);
}

async function status(host: Host): Promise<void> {
  const situation = await readSituation(contextOf(host));
  const roots = statusOf(situation, { deployments: [], failures: [] });
  assert.deepEqual(new Set(roots.map(({ state }) => state)), new Set(['ready']));
  assert.equal(roots.length, host.roots.length);
}

async function reconcileAll(host: Host): Promise<void> {
  const deployments = await readDirectories(host);
  const options = { compose: [], heldDays: 1 };
  const living = { deployments, failures: [] };
  const { roots } = await reconcile(contextOf(host), new MemoryRegistry(), living, options);
  assert.ok(roots.every(({ ready, changed }) => ready && !changed));
  assert.equal(roots.length, host.roots.length);
}

function contextOf({ listed, state }: Host): Context {
  const { signal } = new AbortController();
  return { engines: theOnly(listed), state: new State(state), report: () => {}, signal };
}
