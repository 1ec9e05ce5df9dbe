import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { container, writeRoot } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';
import { skipPodman } from '../support/podman.ts';
import { type PodmanLab, startPodmanLab } from '../support/podman-lab.ts';

const host = 'registry.example.com';
const platforms = ['linux/amd64', 'linux/arm64'];
const base = { bytes: 200_000, seed: 1 };
const image = (seed: number, more: { platforms?: readonly string[] } = {}) =>
  buildImage({ layers: [base, { bytes: 50_000, seed }], entrypoint: ['/bin/entry'], ...more });
const all = ['--bind', 'all', '--id', 'os'];

test('first the blobs, then podman without a network, and then nothing is left of them', {
  skip: skipPodman,
}, async (t) => {
  const lab = await startPodmanLab(t);
  lab.registry.push('web:1', image(2, { platforms }));
  lab.registry.push('api:1', image(3));
  const root = writeRoot(join(lab.directory, 'os'), {
    ...container('web', `${host}/web:1`, 'Pull=newer'),
    ...container('api', `${host}/api:1`),
  });
  const first = await lab.run('stage', '--download-only', ...all, root);
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, /os is downloaded/);
  assert.equal(await lab.engine.podman('images', '-q'), '');
  assert.deepEqual(await codes(lab), ['not-unpacked', 'not-unpacked']);

  lab.registry.requests.length = 0;
  const second = await lab.run('stage', '--download-only', ...all, root);
  assert.equal(second.code, 0, second.stderr);
  assert.deepEqual(blobsAsked(lab), []);

  await lab.registry.close();
  const last = await lab.run('stage', ...all, root);
  assert.equal(last.code, 0, last.stderr);
  assert.deepEqual(await codes(lab), []);
  assert.deepEqual(blobsIn(lab), []);
});

function blobsAsked({ registry }: PodmanLab): string[] {
  return registry.requests.map(({ path }) => path).filter((path) => path.includes('/blobs/'));
}

async function codes(lab: PodmanLab): Promise<string[]> {
  const { stdout } = await lab.run('verify', '--format', 'json', 'os');
  return JSON.parse(stdout).findings.map(({ code }: { code: string }) => code);
}

function blobsIn({ directory }: PodmanLab): string[] {
  const blobs = join(directory, 'state/store/blobs/sha256');
  return existsSync(blobs) ? readdirSync(blobs) : [];
}
