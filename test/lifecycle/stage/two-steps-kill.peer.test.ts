import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { container, main, writeRoot } from '../../support/berth.ts';
import { buildImage } from '../../support/image-builder.ts';
import { skipPodman } from '../../support/podman.ts';
import { startPodmanLab } from '../../support/podman-lab.ts';

const host = 'registry.example.com';
test('killed at each blob, it goes on from there, and what came is not downloaded again', {
  skip: skipPodman,
}, async (t) => {
  const lab = await startPodmanLab(t);
  const names = [2, 3, 4].map((seed) => {
    const layers = [
      { bytes: 200_000, seed: 1 },
      { bytes: 50_000, seed },
    ];
    lab.registry.push(`app${seed}:1`, buildImage({ layers }));
    return `app${seed}`;
  });
  const files = names.map((name) => container(name, `${host}/${name}:1`));
  const root = writeRoot(join(lab.directory, 'os'), Object.assign({}, ...files));
  const words = ['--engine', 'podman', '--bind', 'all', '--id', 'os', root];
  const killed = async (command: readonly string[]) => {
    const child = spawn(process.execPath, [main, ...command], {
      env: lab.environment,
      stdio: 'ignore',
    });
    const before = layersIn(lab.directory);
    lab.registry.fault = ({ path }) => {
      if (!path.includes('/blobs/')) return undefined;
      // Each is killed as soon as it has brought something.
      if (layersIn(lab.directory) > before) child.kill('SIGKILL');
      return undefined;
    };
    const [, signal] = await once(child, 'exit');
    lab.registry.fault = undefined;
    return signal === 'SIGKILL';
  };
  let runs = 0;
  while (await killed(['stage', '--download-only', ...words])) {
    runs += 1;
    assert.ok(runs < 20, 'it makes no headway');
    const status = JSON.parse((await lab.run('status', '--format', 'json')).stdout);
    assert.equal(status.roots[0]?.state, 'not ready');
  }
  assert.ok(runs > 0);
  await lab.registry.close();
  const staged = await lab.run('stage', ...words.slice(2));
  assert.equal(staged.code, 0, staged.stderr);
  assert.equal((await lab.run('verify', 'os')).code, 0);
});

/** How many blobs are there that are no manifests. */
function layersIn(directory: string): number {
  const blobs = join(directory, 'state/store/blobs/sha256');
  if (!existsSync(blobs)) return 0;
  return readdirSync(blobs).filter((name) => statSync(join(blobs, name)).size > 10_000).length;
}
