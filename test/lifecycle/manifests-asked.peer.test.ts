import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { container, writeRoot } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';
import { skipPodman } from '../support/podman.ts';
import { startPodmanLab } from '../support/podman-lab.ts';
import type { TestRegistry } from '../support/registry.ts';

const host = 'registry.example.com';
const platforms = ['linux/amd64', 'linux/arm64'];
const image = (seed: number) =>
  buildImage({ layers: [{ bytes: 2000, seed }], platforms, entrypoint: ['/bin/entry'] });

/** The requests since the last call: for manifests, which registries count, by HEAD, which they don't, and all. */
function asked({ requests }: TestRegistry) {
  const all = requests.splice(0);
  const manifests = all.filter(({ path }) => path.includes('/manifests/'));
  const counted = manifests.filter(({ method }) => method === 'GET').map(({ path }) => path);
  return { counted, heads: manifests.length - counted.length, all: all.length };
}

// docs/registries.md has the figures.
for (const engine of ['podman', 'store']) {
  test(`${engine}: no manifest is asked for twice, and none of a tag that has not moved`, {
    skip: skipPodman,
  }, async (t) => {
    const lab = await startPodmanLab(t);
    for (const name of ['web:1', 'api:1'])
      lab.registry.push(name, image(name.length + name.charCodeAt(0)));
    const root = writeRoot(join(lab.directory, 'os'), {
      ...container('web', `${host}/web:1`),
      ...container('api', `${host}/api:1`),
    });
    const stage = async (id: string) => {
      const { code, stderr } = await lab.berth(
        'stage',
        '--engine',
        engine,
        '--bind',
        'all',
        '--id',
        id,
        root,
      );
      assert.equal(code, 0, stderr);
      return asked(lab.registry);
    };
    const first = await stage('first');
    assert.equal(new Set(first.counted).size, first.counted.length, first.counted.join('\n'));
    assert.deepEqual([first.counted.length, first.heads, first.all], [4, 0, 8]);
    const second = await stage('second');
    assert.deepEqual(second, { counted: [], heads: 2, all: 2 });
    lab.registry.push('web:1', image(9));
    const third = await stage('third');
    assert.deepEqual([third.counted.length, third.heads, third.all], [2, 2, 6]);
    if (engine === 'store') return;
    // The real thing beside it, for one image.
    lab.registry.push('other:1', image(10));
    for (const requests of [5, 4]) {
      await lab.engine.podman('pull', '-q', `${host}/other:1`);
      const pulled = asked(lab.registry);
      assert.deepEqual([pulled.counted.length, pulled.all], [2, requests]);
    }
  });
}
