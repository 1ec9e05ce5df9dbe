import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { sha256 } from '../../src/image/digest.ts';
import { container, writeRoot } from '../support/berth.ts';
import { type BuiltImage, type BuiltManifest, buildImage } from '../support/image-builder.ts';
import { skipPodman } from '../support/podman.ts';
import { startPodmanLab } from '../support/podman-lab.ts';

const host = 'registry.example.com';
type Fields = Record<string, unknown>;
const image = (seed: number, more: object = {}) =>
  buildImage({ layers: [{ bytes: 2000, seed }], entrypoint: ['/x'], ...more });
const changed = ({ mediaType, content }: BuiltManifest, change: (fields: Fields) => Fields) => {
  const bytes = Buffer.from(JSON.stringify(change(JSON.parse(content.toString()))));
  return { mediaType, digest: sha256(bytes), content: bytes };
};
/** The image with another document at its top. */
const withTop = (built: BuiltImage, change: (fields: Fields) => Fields): BuiltImage => ({
  ...built,
  top: changed(built.top, change),
});
const untyped = (descriptors: unknown) =>
  [descriptors].flat().map((one) => ({ ...Object(one), mediaType: undefined }));
const index = (seed: number) => image(seed, { platforms: ['linux/amd64'] });
const first = (entry: unknown) => (fields: Fields) => ({
  ...fields,
  manifests: [entry, ...[fields['manifests']].flat()],
});
const sha512 = `sha512:${'0'.repeat(128)}`;

/** Documents with which podman and skopeo live. */
const documents: Readonly<Record<string, BuiltImage>> = {
  'no-version': withTop(image(1), (fields) => ({ ...fields, schemaVersion: undefined })),
  nulls: withTop(image(2), (fields) => ({
    ...fields,
    annotations: null,
    subject: null,
    manifests: null,
  })),
  'layers-without-type': withTop(image(3), (fields) => ({
    ...fields,
    layers: untyped(fields['layers']),
  })),
  'config-of-index': withTop(index(4), (fields) => ({ ...fields, config: null })),
  'null-platform': withTop(index(5), first({ digest: sha512, platform: null })),
  sha512: withTop(index(6), first({ digest: sha512, size: -1, platform: { os: 'x' } })),
  'null-entry': withTop(index(7), first(null)),
  'as-oci': {
    ...image(8, { format: 'docker' }),
    top: { ...image(8, { format: 'docker' }).top, mediaType: image(8).top.mediaType },
  },
};

for (const [version, suite] of [
  ['4.3', undefined],
  ['5.4', 'trixie'],
  ['5.8', 'forky'],
] as const) {
  test(`podman ${version} has what it pulls by itself also from berth`, {
    skip: skipPodman,
  }, async (t) => {
    const lab = await startPodmanLab(t, { wrapped: { suite } });
    const podman = async (...words: string[]) =>
      lab.program('podman', '--url', `unix://${lab.engine.socket}`, ...words);
    const pulled: string[] = [];
    for (const [name, built] of Object.entries(documents)) {
      lab.registry.push(`${name}:1`, built);
      const { code, stderr } = await podman('pull', '-q', `${host}/${name}:1`);
      if (code === 0) pulled.push(name);
      else t.diagnostic(`${name}: ${stderr}`);
    }
    await podman('rmi', '-a', '-f');
    const units = pulled.map((name) => container(name, `${host}/${name}:1`));
    const root = writeRoot(join(lab.directory, 'os'), Object.assign({}, ...units));
    const { code, stderr } = await lab.run('stage', '--bind', 'all', '--id', 'os', root);
    assert.equal(code, 0, stderr);
    assert.deepEqual(pulled, Object.keys(documents));
  });
}
