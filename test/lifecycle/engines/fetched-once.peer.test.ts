import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { writeRoot } from '../../support/berth.ts';
import { skipContainerd, startContainerd } from '../../support/containerd.ts';
import { skipDocker, startDocker } from '../../support/docker.ts';
import { buildImage } from '../../support/image-builder.ts';
import { startPodmanLab } from '../../support/podman-lab.ts';

/** A root whose units run the same images on podman, docker and containerd. */
const units = (names: readonly string[]) =>
  Object.fromEntries(
    names.flatMap((name, index) => [
      [`etc/containers/systemd/app${index}.container`, `[Container]\nImage=${name}\n`],
      [`usr/lib/systemd/system/d${index}.service`, service(`docker run --rm ${name}`)],
      [`usr/lib/systemd/system/c${index}.service`, service(`ctr run --rm ${name} c${index}`)],
    ]),
  );

const service = (command: string) =>
  `[Service]\nExecStart=/usr/bin/${command}\n[Install]\nWantedBy=multi-user.target\n`;

for (const store of ['overlay2', 'containerd'] as const) {
  test(`podman, containerd and docker with ${store} need the same images: each blob and document comes once`, {
    skip: skipDocker || skipContainerd,
  }, async (t) => {
    const lab = await startPodmanLab(t);
    const docker = await startDocker(t, { suite: 'trixie', store });
    const containerd = await startContainerd(t, 'trixie');
    lab.environment['DOCKER_HOST'] = docker.environment['DOCKER_HOST'];
    lab.environment['CONTAINERD_ADDRESS'] = containerd.socket;
    const platforms = ['linux/amd64', 'linux/arm64', 'linux/s390x'];
    lab.registry.push('app:1', buildImage({ layers: [{ bytes: 5000, seed: 1 }], platforms }));
    lab.registry.push(
      'app:2',
      buildImage({
        layers: [
          { bytes: 5000, seed: 1 },
          { bytes: 700, seed: 2 },
        ],
      }),
    );
    const root = writeRoot(
      join(lab.directory, 'os'),
      units([`${lab.registry.host}/app:1`, `${lab.registry.host}/app:2`]),
    );
    const berth = async (...words: string[]) => {
      const { code, stdout, stderr } = await lab.berth(...words);
      assert.equal(code, 0, `${words.join(' ')}: ${stdout}${stderr}`);
      return stdout;
    };
    await berth('stage', '--bind', 'all', '--id', 'os', root);
    const verified = await berth('verify', 'os');
    for (const engine of ['podman', 'docker', 'containerd:default']) {
      assert.ok(verified.includes(`2 images present and pinned on ${engine}`), verified);
    }
    const counts = new Map<string, number>();
    for (const { method, path, status } of lab.registry.requests) {
      if (method !== 'GET' || status >= 300 || !/\/(blobs|manifests)\//.test(path)) continue;
      counts.set(path, (counts.get(path) ?? 0) + 1);
    }
    assert.ok(counts.size >= 7, [...counts.keys()].join());
    assert.deepEqual(
      [...counts].filter(([, count]) => count > 1),
      [],
    );
  });
}
