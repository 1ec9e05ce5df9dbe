import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { container, main, writeRoot } from '../../support/berth.ts';
import { buildImage } from '../../support/image-builder.ts';
import { skipPodman } from '../../support/podman.ts';
import { type PodmanLab, startPodmanLab } from '../../support/podman-lab.ts';

const skip = skipPodman;
const NAME = 'registry.example.com/web:1';
const MIB = 1024 * 1024;

/** podman's images by what `--format` shows. */
async function images({ engine }: PodmanLab, format: string): Promise<readonly string[]> {
  const lines = await engine.podman('images', '--all', '--format', format);
  return lines.split('\n').filter((line) => line !== '');
}

/** A stage that waits for the second layer until it is killed, when podman has unpacked the first. */
async function killedAhead(t: TestContext, format: 'oci' | 'docker') {
  const lab = await startPodmanLab(t);
  const layers = [
    { bytes: 33 * MIB, seed: 1 },
    { bytes: 17 * MIB, seed: 2 },
  ];
  const built = buildImage({ layers, format });
  lab.registry.push('web:1', built);
  const second = [...built.blobs].find(
    ([, { length }]) => length > 16 * MIB && length < 20 * MIB,
  )?.[0];
  assert.ok(second !== undefined);
  lab.registry.fault = ({ path }) =>
    path.endsWith(second) ? { kind: 'stall', after: MIB } : undefined;
  const root = writeRoot(join(lab.directory, 'os'), container('web', NAME));
  const words = ['stage', '--engine', 'podman', '--bind', 'all', '--id', 'os', root];
  const child = spawn(process.execPath, [main, ...words], {
    env: lab.environment,
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  // podman 4.3 can't list images while one of them is half-written.
  for (let seen = ''; seen === ''; ) {
    assert.equal(child.exitCode, null);
    const { code, stdout } = await lab.engine.tryPodman('images', '--all', '--quiet');
    if (code === 0) seen = stdout;
  }
  child.kill('SIGKILL');
  await ended;
  lab.registry.fault = undefined;
  return { lab, root };
}

for (const format of ['oci', 'docker'] as const) {
  test(`podman unpacks the first layers of an image while the rest comes (${format})`, {
    skip,
  }, async (t) => {
    const { lab, root } = await killedAhead(t, format);
    assert.deepEqual(await images(lab, '{{.Repository}}:{{.Tag}}'), ['<none>:<none>']);
    lab.registry.requests.length = 0;
    rmSync(join(lab.directory, 'state/store'), { recursive: true });
    const { code, stderr } = await lab.run('stage', '--bind', 'all', '--id', 'os', root);
    assert.equal(code, 0, stderr);
    const asked = lab.registry.requests.filter(({ path }) => path.includes('/blobs/'));
    assert.equal(asked.length, 2, 'the config and the second layer: podman has the first');
    assert.deepEqual(await images(lab, '{{.Repository}}:{{.Tag}}'), [NAME]);
    await lab.engine.podman('create', '--pull=never', NAME, 'command');
  });
}

test('what a killed stage had podman unpack ahead is pruned, and other images are not', {
  skip,
}, async (t) => {
  const { lab } = await killedAhead(t, 'oci');
  const [partial = ''] = await images(lab, '{{.ID}}');
  await lab.engine.podman('tag', partial, 'localhost/mine:1');
  assert.equal((await lab.run('release', 'os')).code, 0);
  assert.equal((await lab.run('prune', '--force')).code, 0);
  assert.deepEqual(await images(lab, '{{.Repository}}:{{.Tag}}'), ['localhost/mine:1']);
  await lab.engine.podman('untag', 'localhost/mine:1');
  assert.equal((await lab.run('prune', '--force')).code, 0);
  assert.deepEqual(await images(lab, '{{.ID}}'), []);
});
