import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { openCrio } from '../../../src/engine/crio/crio.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import { openPodman } from '../../../src/engine/podman/podman.ts';
import type { Source } from '../../../src/engine/source.ts';
import { openDepots } from '../../../src/store/depot.ts';
import { type CrioStandIn, crioStandIn } from '../../support/cri-server.ts';
import { skipPodman, startPodman, type TestPodman } from '../../support/podman.ts';
import type { TestRegistry } from '../../support/registry.ts';
import { client, password, serve } from '../../support/registry-client.ts';
import { fromRegistry } from '../../support/source.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { pushSmall } from '../contract/images.ts';

interface Host {
  readonly registry: TestRegistry;
  readonly podman: TestPodman;
  readonly crio: CrioStandIn;
  readonly open: (openSharedPodman?: () => Promise<Engine | undefined>) => Promise<Engine>;
}

/** A CRI-O on whose storage no podman works but the one that the stand-in itself is made of. */
async function startHost(t: TestContext, runtimeName?: string): Promise<Host> {
  const directory = temporaryDirectory(t);
  const registry = await serve(t);
  const podman = await startPodman(t, { insecure: [registry.host] });
  const crio = crioStandIn({
    podman,
    directory,
    ...(runtimeName === undefined ? {} : { runtimeName }),
  });
  mkdirSync(crio.dropIns, { recursive: true });
  await crio.start();
  t.after(() => crio.stop());
  const access = client(t, [registry], { credentials: async () => password('eve', 'secret') });
  const depots = openDepots({
    directory: join(directory, 'store'),
    registry: access,
    unnamedEngine: 'podman',
  });
  const open: Host['open'] = async (openSharedPodman = async () => undefined) => {
    const engine = await openCrio({
      socket: crio.socket,
      registry: access,
      depot: depots.forEngine({ engine: 'crio', serves: () => true }),
      openSharedPodman,
      places: crio,
      lock: join(directory, 'lock'),
      reload: async () => crio.reload(),
      warn: () => undefined,
    });
    t.after(() => engine.close());
    return engine;
  };
  return { registry, podman, crio, open };
}

test('CRI-O without a podman on its storage', { skip: skipPodman }, async (t) => {
  const host = await startHost(t);
  const { registry, podman, crio } = host;
  const engine = await host.open();
  const push = (name: string, seed: number) => pushSmall({ machine: { registry } }, name, seed);

  await t.test('it has no depot, and says where its images are', async () => {
    assert.equal(engine.depot, undefined);
    assert.equal((await engine.info()).directory, join(podman.directory, 'root'));
    assert.equal((await engine.info()).pins, 'advisory');
  });

  await t.test(
    'an image that the registry lacks, and a registry that is off, are told apart',
    async () => {
      const image = push('absent:1', 9);
      for (const [fault, code] of [
        [{ status: 404 }, 'not-found'],
        [{ kind: 'reset-at-once' }, 'registry-unreachable'],
      ] as const) {
        registry.fault = () => fault;
        await assert.rejects(engine.fetch(image, fromRegistry()), { code });
      }
      registry.fault = undefined;
    },
  );

  await t.test("a pull is by digest, with the host's credentials", async () => {
    const image = push('app:1', 1);
    let bytes = 0;
    await engine.fetch(image, fromRegistry(), { onBytes: (arrived) => (bytes = arrived) });
    assert.deepEqual(crio.pulled.at(-1), {
      name: `${registry.host}/app@${image.digest}`,
      username: 'eve',
    });
    assert.equal(
      bytes,
      image.blobs.reduce((sum, { size }) => sum + size, 0),
    );
    assert.equal(await engine.has(image.config), true);
  });

  await t.test('a name comes by a pull, while its registry means the image by it', async () => {
    const image = push('named:1', 2);
    await engine.fetch(image, fromRegistry());
    await engine.tag(image.config, image.name);
    const found = (await engine.images()).find(({ id }) => id === image.config);
    assert.deepEqual(found?.names, [image.name]);
    const pulls = crio.pulled.length;
    await engine.tag(image.config, image.name);
    assert.equal(crio.pulled.length, pulls, 'a name that is right is not pulled again');
  });

  await t.test('a name that its registry moved can’t be had, and nothing is pulled', async () => {
    const image = push('moved:1', 3);
    await engine.fetch(image, fromRegistry());
    push('moved:1', 4);
    const pulls = crio.pulled.length;
    await assert.rejects(engine.tag(image.config, image.name), {
      code: 'engine-failed',
      message: /means another image/,
      hint: /install podman/,
    });
    assert.equal(crio.pulled.length, pulls);
  });

  await t.test('an image that is on this machine alone can’t be had', async () => {
    const image = push('layout:1', 5);
    const source = { from: 'layout', images: {} } as unknown as Source;
    await assert.rejects(engine.fetch(image, source), /takes images only from registries/);
  });

  await t.test('the layers that are there are not counted again', async () => {
    const [footprint] = (await engine.footprint([push('app:2', 6)])).images;
    // Config and own layer: the layer below is the same in all images.
    assert.equal(footprint?.missing.length, 2);
  });

  await t.test('an image that a container uses stays', async () => {
    const image = push('used:1', 7);
    await engine.fetch(image, fromRegistry());
    await podman.podman('create', '--name=user', image.config.slice('sha256:'.length));
    assert.equal(await engine.remove(image.config), false);
    assert.equal(await engine.has(image.config), true);
    await podman.podman('rm', 'user');
    assert.equal(await engine.remove(image.config), true);
    assert.equal(await engine.remove(image.config), true, 'one that is gone is no error');
  });

  await t.test('a podman on another storage is of no use', async (s) => {
    const other = await startPodman(s);
    let isClosed = false;
    const openSharedPodman = async () => {
      const { environment, pinKey } = other;
      const podman = await openPodman({ user: false, environment, pinKey });
      return { ...podman, close: () => ((isClosed = true), podman.close()) };
    };
    assert.equal((await host.open(openSharedPodman)).depot, undefined);
    assert.ok(isClosed);
  });

  await t.test('nobody listens', async () => {
    await crio.stop();
    await assert.rejects(host.open(), { code: 'engine-unreachable', message: /no crio answers/ });
    await crio.start();
  });
});

test('another runtime on the socket is not taken for CRI-O', { skip: skipPodman }, async (t) => {
  const { open } = await startHost(t, 'containerd');
  await assert.rejects(open(), {
    code: 'engine-reply',
    message: 'expected CRI-O to answer on its socket, found "containerd"',
  });
});
