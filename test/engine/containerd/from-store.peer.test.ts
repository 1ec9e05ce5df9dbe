import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { type Machine, startMachine, writeRoot } from '../../support/berth.ts';
import { containerdSuites, skipContainerd, startContainerd } from '../../support/containerd.ts';
import { buildImage } from '../../support/image-builder.ts';
import { ownPlatform } from '../contract/images.ts';

/** Each with an engine of its own, so that the image comes over the network once for two engines. */
const namespaces = { containerd: 'k8s.io', 'containerd:plain': 'plain' } as const;

for (const suite of containerdSuites) {
  test(`what waits in the store is unpacked by containerd of ${suite} without a registry`, {
    skip: skipContainerd,
  }, async (t) => {
    const machine = await startMachine(t);
    const { registry, environment, directory } = machine;
    const containerd = await startContainerd(t, suite, { insecure: [registry.host] });
    environment['CONTAINERD_ADDRESS'] = containerd.socket;
    registry.push('app:1', greeter());
    const name = `${registry.host}/app:1`;
    const lists = Object.keys(namespaces).map((engine, index) => [
      `usr/lib/berth/images.d/${index}.list`,
      `# engine: ${engine}\n${name}\n`,
    ]);
    const root = writeRoot(join(directory, 'os'), Object.fromEntries(lists));
    await berth(machine, 'stage', '--download-only', '--id', 'os', root);
    const blobs = registry.requests.filter(({ path }) => path.includes('/blobs/'));
    assert.equal(new Set(blobs.map(({ path }) => path)).size, blobs.length, 'each came once');
    await registry.close();
    const told = await berth(machine, 'stage', '--id', 'os', '--progress', 'json', root);
    assert.match(told, /"event":"unpack-progress"/);
    await berth(machine, 'verify', 'os');
    for (const namespace of Object.values(namespaces)) {
      const command = ['/bin/busybox', 'cat', '/greeting'];
      const run = ['--namespace', namespace, 'run', '--rm', name, 'it', ...command];
      assert.equal(await containerd.ctr(...run), 'hello from above', namespace);
    }
    await berth(machine, 'release', 'os');
    await berth(machine, 'prune', '--force');
    for (const namespace of Object.values(namespaces)) {
      for (const what of ['images', 'content', 'leases']) {
        const left = await containerd.ctr('--namespace', namespace, what, 'ls', '--quiet');
        assert.equal(left, '', `${what} in ${namespace}`);
      }
    }
  });
}

/** An image for two platforms, whose layers change each other's files. */
function greeter() {
  const busybox = execFileSync('which', ['busybox'], { encoding: 'utf8' }).trim();
  return buildImage({
    layers: [
      { files: { 'bin/busybox': readFileSync(busybox), greeting: 'hello' } },
      { files: { greeting: 'hello from above' } },
      { entries: [{ path: 'more', content: 'a tar that is made in another way' }] },
    ],
    platforms: ['linux/s390x', ownPlatform],
  });
}

/** @returns standard error. */
async function berth(machine: Machine, ...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await machine.berth(...words);
  assert.equal(code, 0, `${words.join(' ')}: ${stdout}${stderr}`);
  return stderr;
}
