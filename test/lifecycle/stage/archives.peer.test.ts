import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { dockerArchive, ociArchive } from '../../support/archives.ts';
import { buildImage } from '../../support/image-builder.ts';
import { skipPodman } from '../../support/podman.ts';
import { startPodmanLab } from '../../support/podman-lab.ts';
import { writeTree } from '../../support/tree.ts';

const host = 'registry.example.com';
const image = (seed: number) => buildImage({ layers: [{ bytes: 20_000, seed }] });

test('a stage fills podman from archives as podman load does', { skip: skipPodman }, async (t) => {
  const lab = await startPodmanLab(t);
  await lab.registry.close();
  const root = join(lab.directory, 'os');
  writeTree(root, {
    'etc/hostname': 'x',
    'usr/lib/berth/images.d/a.list':
      'docker-archive:/usr/share/a.tar\noci-archive:/usr/share/b.tar\n',
    'usr/share/a.tar': dockerArchive([
      { image: image(1), names: [`${host}/a:1`] },
      { image: image(2), names: [`${host}/a:2`] },
    ]),
    'usr/share/b.tar': ociArchive([{ image: image(3), names: [`${host}/b:1`] }]),
  });
  const staged = await lab.run('stage', root);
  assert.equal(staged.code, 0, staged.stderr);
  assert.equal((await lab.run('verify', root)).code, 0);
  const list = () =>
    lab.engine.podman(
      'images',
      '--digests',
      '--format',
      '{{.Repository}}:{{.Tag}} {{.ID}} {{.Digest}}',
    );
  const filled = lines(await list()).filter((line) => line.startsWith(host));
  assert.equal(filled.length, 3);
  assert.equal((await lab.run('release', root)).code, 0);
  await lab.engine.podman('rmi', '-af');
  for (const path of ['a.tar', 'b.tar']) {
    await lab.engine.podman('load', '-q', '-i', join(root, 'usr/share', path));
  }
  assert.deepEqual(lines(await list()), filled);
});

function lines(text: string): readonly string[] {
  return text.split('\n').sort((a, b) => (a < b ? -1 : 1));
}
