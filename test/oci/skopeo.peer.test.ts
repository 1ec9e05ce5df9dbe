import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import test from 'node:test';
import { sha256 } from '../../src/image/digest.ts';
import { skipPodman } from '../support/podman.ts';
import { startRegistry } from '../support/registry.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { trixieProgram } from '../support/trixie.ts';
import { sound, wrong } from './documents.ts';
import { manifestBytes, OCI } from './samples.ts';
import { blobs, type Sample } from './sources.ts';

/** The documents that skopeo accepts and berth refuses; docs/registries.md gives the reasons. */
const refusedOnPurpose: readonly string[] = [
  'a key twice',
  'an annotation twice',
  'a field that Go takes for another',
  'neither',
  'version 1',
  'no version',
  'a layer from elsewhere',
  'two sizes',
];

type Skopeo = (words: readonly string[], home: string) => Promise<number>;

const versions: Readonly<Record<string, () => Skopeo>> = {
  'skopeo 1.18': () => {
    const run = trixieProgram('skopeo');
    return async (words, HOME) => (await run(words, { HOME, TMPDIR: HOME })).code;
  },
  'the skopeo of this machine': () => (words, HOME) => {
    const env = { PATH: process.env['PATH'], HOME, TMPDIR: HOME };
    return new Promise((done) => {
      execFile('skopeo', words, { env }, (error) => done(error === null ? 0 : 1));
    });
  },
};

const platform = ['--override-arch=amd64', '--override-os=linux'];
const copy = ['--insecure-policy', ...platform, 'copy', '-q', '--src-tls-verify=false'];

/** Whether skopeo copies the document as an image from a registry. */
async function takes(
  skopeo: Skopeo,
  directory: string,
  { mediaType, content }: Sample,
): Promise<boolean> {
  const server = await startRegistry({});
  server.push('app:1', {
    top: { mediaType, digest: sha256(content), content },
    manifests: [{ mediaType: OCI.manifest, digest: sha256(manifestBytes), content: manifestBytes }],
    blobs: new Map(blobs.map((blob) => [sha256(blob), blob])),
  });
  const places = [`docker://${server.host}/app:1`, `dir:${join(directory, 'copy')}`];
  try {
    return (await skopeo([...copy, ...places], directory)) === 0;
  } finally {
    await server.close();
  }
}

for (const [version, open] of Object.entries(versions)) {
  test(`${version} takes the sound documents, and few others`, { skip: skipPodman }, async (t) => {
    const skopeo = open();
    const taken = async (samples: Readonly<Record<string, Sample>>) => {
      const names: string[] = [];
      for (const [name, sample] of Object.entries(samples)) {
        if (await takes(skopeo, temporaryDirectory(t), sample)) names.push(name);
      }
      return names;
    };
    assert.deepEqual(await taken(sound), Object.keys(sound));
    assert.deepEqual(await taken(wrong), refusedOnPurpose);
  });
}
