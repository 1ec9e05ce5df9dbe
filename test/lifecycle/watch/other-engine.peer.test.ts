import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { writeRoot } from '../../support/berth.ts';
import { skipContainerd, startContainerd } from '../../support/containerd.ts';
import { type ImageStore, skipDocker, startDocker } from '../../support/docker.ts';
import { type BuiltImage, buildImage } from '../../support/image-builder.ts';
import { type PodmanLab, startPodmanLab } from '../../support/podman-lab.ts';
import { startWatcher, type Watcher } from './watcher.ts';

const skip = skipDocker || skipContainerd;

/** An image of three platforms, and one of a single platform that shares a layer with it. */
const images: Readonly<Record<string, BuiltImage>> = {
  'index:1': buildImage({
    layers: [{ bytes: 5000, seed: 1 }],
    platforms: ['linux/amd64', 'linux/arm64', 'linux/s390x'],
  }),
  'single:1': buildImage({
    layers: [
      { bytes: 5000, seed: 1 },
      { bytes: 700, seed: 2 },
    ],
  }),
};

/** A machine on which podman, docker and containerd have the images of one root. */
interface Lab extends PodmanLab {
  /** Removes everything from an engine by its own program, and asks the engine whether it is gone. */
  readonly empty: Readonly<Record<'podman' | 'docker' | 'containerd', () => Promise<void>>>;
  readonly containerdDirectory: string;
}

async function stagedOnAll(t: TestContext, store: ImageStore): Promise<Lab> {
  const lab = await startPodmanLab(t);
  const { docker } = await startDocker(t, { suite: 'trixie', store }).then((started) => {
    lab.environment['DOCKER_HOST'] = started.environment['DOCKER_HOST'];
    return started;
  });
  const { ctr, socket, directory } = await startContainerd(t, 'trixie');
  lab.environment['CONTAINERD_ADDRESS'] = socket;
  for (const [name, image] of Object.entries(images)) lab.registry.push(name, image);
  const names = Object.keys(images).map((name) => `${lab.registry.host}/${name}`);
  const root = writeRoot(join(lab.directory, 'os'), unitsOf(names));
  const { code, stderr } = await lab.berth('stage', '--bind', 'all', '--id', 'os', root);
  assert.equal(code, 0, stderr);
  const lines = (text: string) => text.split('\n').filter((line) => line !== '');
  return {
    ...lab,
    containerdDirectory: directory,
    empty: {
      podman: async () => {
        await lab.engine.podman('rmi', '--all', '--force');
        assert.equal(await lab.engine.podman('images', '--all', '--quiet'), '');
      },
      docker: async () => {
        await docker('system', 'prune', '--all', '--force');
        assert.equal(await docker('images', '--all', '--quiet'), '');
      },
      containerd: async () => {
        for (const lease of lines(await ctr('leases', 'ls', '--quiet')))
          await ctr('leases', 'rm', lease);
        for (const name of lines(await ctr('images', 'ls', '--quiet')))
          await ctr('images', 'rm', '--sync', name);
        assert.deepEqual(lines(await ctr('content', 'ls', '--quiet')), []);
      },
    },
  };
}

/** Units that run the images on each of the engines. */
function unitsOf(names: readonly string[]): Readonly<Record<string, string>> {
  const service = (command: string) => `[Service]\nExecStart=/usr/bin/${command}\n`;
  return Object.fromEntries(
    names.flatMap((name, index) => [
      [`etc/containers/systemd/p${index}.container`, `[Container]\nImage=${name}\n`],
      [`usr/lib/systemd/system/d${index}.service`, service(`docker run --rm ${name}`)],
      [`usr/lib/systemd/system/c${index}.service`, service(`ctr run --rm ${name} c${index}`)],
    ]),
  );
}

for (const store of ['containerd', 'overlay2'] as const) {
  test(`what one of podman, containerd and docker with ${store} loses comes from another, without a registry`, {
    skip,
  }, async (t) => {
    const lab = await stagedOnAll(t, store);
    lab.registry.fault = () => ({ status: 503 });
    for (const engine of ['podman', 'docker', 'containerd'] as const) {
      // docker's own store keeps no layers as registries have them.
      if (engine === 'containerd' && store === 'overlay2') continue;
      await lab.empty[engine]();
      const { events } = await heal(t, lab);
      const failed = events.filter((told) => 'code' in told && told.code === 'heal-failed');
      assert.deepEqual(failed, [], engine);
    }
    if (store === 'containerd') return;
    await t.test(
      'a copy with a damaged layer is refused, and the registry is asked instead',
      async () => {
        lab.registry.fault = undefined;
        const before = lab.registry.requests.length;
        damageLayers(lab.containerdDirectory);
        await lab.empty.podman();
        await heal(t, lab);
        const asked = lab.registry.requests.slice(before).map(({ path }) => path);
        assert.ok(
          asked.some((path) => path.includes('/blobs/')),
          asked.join(),
        );
      },
    );
  });
}

/** Watches until the root is whole again. */
async function heal(t: TestContext, lab: Lab): Promise<Watcher> {
  assert.ok(!(await isReady(lab)));
  const watcher = await startWatcher(t, lab);
  while (!(await isReady(lab)));
  await watcher.end();
  return watcher;
}

/** Whether the root is ready on all engines. */
async function isReady(lab: PodmanLab): Promise<boolean> {
  const { code, stderr } = await lab.berth('verify', 'os');
  assert.ok(code === 0 || code === 3, stderr);
  return code === 0;
}

/** Changes a byte of every blob that is no document. */
function damageLayers(directory: string): void {
  const blobs = join(directory, 'root/io.containerd.content.v1.content/blobs/sha256');
  for (const name of readdirSync(blobs)) {
    const path = join(blobs, name);
    const content = readFileSync(path);
    if (content[0] === 0x7b) continue;
    content.writeUInt8(content.readUInt8(content.length - 1) ^ 1, content.length - 1);
    writeFileSync(path, content);
  }
}
