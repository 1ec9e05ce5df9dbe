import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { sha256 } from '../../src/image/digest.ts';
import { dockerRegistryLogin, startDockerRegistry } from '../support/docker-registry.ts';
import { buildImage } from '../support/image-builder.ts';
import { writeLayout } from '../support/oci-layout.ts';
import { skipPodman, startPodman } from '../support/podman.ts';
import { client, fails, password, serve, sink } from '../support/registry-client.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { trixieProgram } from '../support/trixie.ts';

const run = promisify(execFile);
const amd64 = { os: 'linux', architecture: 'amd64' };
const { username, password: secret } = dockerRegistryLogin;
const options = { skip: skipPodman };

/** A docker-registry with an image in it that skopeo has pushed. */
async function pushed(t: TestContext, login: boolean) {
  const directory = temporaryDirectory(t);
  mkdirSync(join(directory, 'registry'));
  const host = await startDockerRegistry(t, join(directory, 'registry'), { login });
  const layers = [{ bytes: 3_000_000, seed: 1 }, { files: { 'etc/motd': 'hello\n' } }];
  const image = buildImage({ layers, platforms: ['linux/amd64', 'linux/arm64'] });
  const layout = join(directory, 'layout');
  writeLayout(layout, 'v1', image);
  const name = `${host}/acme/app:1`;
  const creds = (flag: string) => (login ? [flag, `${username}:${secret}`] : []);
  const environment = { PATH: process.env['PATH'], HOME: directory, TMPDIR: directory };
  const skopeo = async (...words: string[]) =>
    (await run('skopeo', ['--insecure-policy', ...words], { env: environment })).stdout;
  const target = [`oci:${layout}:v1`, `docker://${name}`];
  await skopeo(
    'copy',
    '-q',
    '--all',
    '--dest-tls-verify=false',
    ...creds('--dest-creds'),
    ...target,
  );
  const inspect = async (ref: string) =>
    skopeo('inspect', '--raw', '--tls-verify=false', ...creds('--creds'), `docker://${ref}`);
  return { host, name, image, inspect };
}

test(
  'CONTAINERS_REGISTRIES_CONF is podman’s, and not skopeo’s, as docs/registries.md says',
  options,
  async (t) => {
    const server = await serve(t);
    server.push('app:1', buildImage({ layers: [{ bytes: 1000, seed: 1 }] }));
    const directory = temporaryDirectory(t);
    const conf = join(directory, 'elsewhere.conf');
    writeFileSync(
      conf,
      `[[registry]]\nprefix = "a.invalid"\nlocation = "${server.host}"\ninsecure = true\n`,
    );
    const environment = { CONTAINERS_REGISTRIES_CONF: conf };
    const podman = await startPodman(t, { environment });
    await podman.podman('pull', '--quiet', 'a.invalid/app:1');
    const inspect = ['--insecure-policy', 'inspect', '--raw', 'docker://a.invalid/app:1'];
    const given = { PATH: process.env['PATH'], HOME: directory, ...environment };
    const skopeos = [
      async (...words: string[]) => {
        const ran = await trixieProgram('skopeo')([...words, ...inspect], given);
        assert.equal(ran.code, 0, ran.stderr);
      },
      async (...words: string[]) => run('skopeo', [...words, ...inspect], { env: given }),
    ];
    for (const skopeo of skopeos) {
      await assert.rejects(skopeo(), /no such host|a\.invalid/);
      await skopeo('--registries-conf', conf);
    }
  },
);

test('docker-registry: the digests are those that skopeo sees', options, async (t) => {
  const { host, name, image, inspect } = await pushed(t, false);
  const registry = client(t, [{ host }]);
  const resolved = await registry.resolve(name, amd64, {});
  assert.equal(resolved.digest, sha256(Buffer.from(await inspect(name))));
  const manifest = await inspect(`${host}/acme/app@${resolved.manifest}`);
  assert.equal(resolved.manifest, sha256(Buffer.from(manifest)));
  assert.deepEqual(JSON.parse(manifest).config.digest, resolved.config);
  for (const blob of resolved.blobs) {
    const into = sink();
    await registry.download(name, blob, {}, into);
    assert.deepEqual(into.content(), image.blobs.get(blob.digest));
  }
  const gone = await fails(registry.resolve(`${host}/acme/app:2`, amd64, {}), 'not-found');
  assert.match(gone.message, /MANIFEST_UNKNOWN/);
  const none = await fails(registry.resolve(`${host}/acme/none:1`, amd64, {}), 'not-found');
  assert.match(none.message, /repository acme\/none/);
});

test('docker-registry: only who is known gets in', options, async (t) => {
  const { host, name, inspect } = await pushed(t, true);
  const knows = async () => password(username, secret);
  const resolved = await client(t, [{ host }], { credentials: knows }).resolve(name, amd64, {});
  assert.equal(resolved.digest, sha256(Buffer.from(await inspect(name))));
  const wrong = async () => password(username, 'wrong-one');
  for (const credentials of [wrong, async () => undefined]) {
    const registry = client(t, [{ host }], { credentials });
    await fails(registry.resolve(name, amd64, {}), 'unauthorized');
  }
});

for (const format of ['oci', 'docker'] as const) {
  test(
    `the test registry is one for podman, its images are some (${format})`,
    options,
    async (t) => {
      const server = await serve(t);
      const layers = [{ bytes: 100_000, seed: 1 }, { files: { 'etc/motd': 'hello\n' } }];
      const platforms = ['linux/amd64', 'linux/arm64'];
      const image = buildImage({ layers, platforms, labels: { from: 'berth' }, format });
      server.push('acme/app:1', image);
      const { podman } = await startPodman(t, { insecure: [server.host] });
      const name = `${server.host}/acme/app:1`;
      const id = await podman('pull', '-q', '--platform', 'linux/amd64', name);
      const { config } = await client(t, [server]).resolve(name, amd64, {});
      assert.equal(`sha256:${id}`, config, 'podman chooses the same manifest');
      assert.equal(await podman('inspect', '--format', '{{.Labels.from}}', id), 'berth');
    },
  );
}
