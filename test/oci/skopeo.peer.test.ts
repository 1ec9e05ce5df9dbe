import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import fc from 'fast-check';
import { sha256 } from '../../src/image/digest.ts';
import { RegistryError } from '../../src/registry/errors.ts';
import { debianLoader, debianPackage } from '../support/debian-root.ts';
import { skipPodman } from '../support/podman.ts';
import { holds } from '../support/property.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { client, sink } from '../support/registry-client.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { sound, wrong } from './documents.ts';
import { mutated, refusedBecause } from './mutated.ts';
import { manifestBytes, OCI } from './samples.ts';
import { blobs, type Sample } from './sources.ts';

/** The documents that skopeo accepts and berth refuses; docs/registries.md gives the reasons. */
const refusedOnPurpose: readonly string[] = [
  'a key twice',
  'an annotation twice',
  'a field that Go takes for another',
  'no config',
  'a config that is null',
  'a layer without a size',
  'version 1',
  'version 3',
  'two sizes',
];

/** The words before those of skopeo. */
const versions: Readonly<Record<string, () => readonly string[]>> = {
  'skopeo 1.22': () => skopeoOf('forky'),
  'skopeo 1.18': () => skopeoOf('trixie'),
  'the skopeo of this machine': () => ['skopeo'],
};

function skopeoOf(suite: 'trixie' | 'forky'): readonly string[] {
  return [...debianLoader(suite), join(debianPackage(suite, 'skopeo'), 'usr/bin/skopeo')];
}

const platform = ['--override-arch=amd64', '--override-os=linux'];
const copy = ['--insecure-policy', ...platform, 'copy', '-q', '--src-tls-verify=false'];

/** Whether skopeo copies the image from a registry. */
async function skopeoTakes(
  [program = '', ...words]: readonly string[],
  { host }: TestRegistry,
  HOME: string,
): Promise<boolean> {
  const places = [`docker://${host}/app:1`, `dir:${mkdtempSync(join(HOME, 'copy-'))}`];
  const env = { PATH: process.env['PATH'], HOME, TMPDIR: HOME };
  return new Promise((done) => {
    execFile(program, [...words, ...copy, ...places], { env }, (error) => done(error === null));
  });
}

async function berthTakes(t: TestContext, server: TestRegistry): Promise<boolean> {
  const registry = client(t, [server]);
  const name = `${server.host}/app:1`;
  try {
    const image = await registry.resolve(name, { os: 'linux', architecture: 'amd64' }, {});
    for (const blob of image.blobs) await registry.download(name, blob, {}, sink());
    return true;
  } catch (error) {
    if (error instanceof RegistryError) return false;
    throw error;
  }
}

function serve(server: TestRegistry, { mediaType, content }: Sample): void {
  server.push('app:1', {
    top: { mediaType, digest: sha256(content), content },
    manifests: [{ mediaType: OCI.manifest, digest: sha256(manifestBytes), content: manifestBytes }],
    blobs: new Map(blobs.map((blob) => [sha256(blob), blob])),
  });
}

for (const [version, open] of Object.entries(versions)) {
  test(`${version} takes the sound documents, and few others`, { skip: skipPodman }, async (t) => {
    const skopeo = open();
    const server = await startRegistry();
    t.after(() => server.close());
    const taken = async (samples: Readonly<Record<string, Sample>>) => {
      const names: string[] = [];
      for (const [name, sample] of Object.entries(samples)) {
        serve(server, sample);
        if (await skopeoTakes(skopeo, server, temporaryDirectory(t))) names.push(name);
      }
      return names;
    };
    assert.deepEqual(await taken(sound), Object.keys(sound));
    assert.deepEqual(await taken(wrong), refusedOnPurpose);
  });

  test(`berth takes what ${version} takes, but for the listed refusals`, {
    skip: skipPodman,
  }, async (t) => {
    const skopeo = open();
    const server = await startRegistry();
    t.after(() => server.close());
    const directory = temporaryDirectory(t);
    await holds(
      25,
      fc.asyncProperty(mutated, async (sample) => {
        serve(server, sample);
        if (await berthTakes(t, server)) return;
        if (refusedBecause(sample) !== undefined) return;
        assert.ok(!(await skopeoTakes(skopeo, server, directory)), sample.content.toString());
      }),
    );
  });
}
