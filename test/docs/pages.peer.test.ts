import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { container, type Machine, main, startMachine, writeRoot } from '../support/berth.ts';
import { startDockerRegistry } from '../support/docker-registry.ts';
import { buildImage } from '../support/image-builder.ts';
import { scriptsOf } from './blocks.ts';

/** A machine with the images and the trees that the pages speak of; berth keeps images in its own store. */
async function startMachineOfPages(t: TestContext): Promise<Machine> {
  const machine = await startMachine(t);
  for (const [i, name] of ['acme/web:1', 'web:1', 'acme/web:2'].entries()) {
    machine.registry.push(name, buildImage({ layers: [{ bytes: 10_000, seed: i }] }));
  }
  appendFileSync(
    join(machine.directory, 'registries.conf'),
    `[[registry]]\nprefix = "quay.io"\nlocation = "${machine.registry.host}"\ninsecure = true\n`,
  );
  for (const [name, tag] of Object.entries({ rootfs: '1', next: '2', 'rootfs-2': '2' })) {
    writeRoot(join(machine.directory, name), {
      'etc/os-release': 'ID=acme\n',
      'usr/lib/berth/berth.toml': '[bind]\nmode = "all"\n',
      ...container('web', `quay.io/acme/web:${tag}`),
      ...container('named', 'registry.example.com/web:1'),
    });
  }
  mkdirSync(join(machine.directory, 'mnt/var'), { recursive: true });
  writeRoot(join(machine.directory, 'mnt'), {
    'etc/os-release': 'ID=acme\n',
    'usr/lib/berth/berth.toml': '[bind]\nmode = "all"\n',
    ...container('web', 'quay.io/acme/web:1'),
  });
  return machine;
}

/**
 * Runs a block of a page in the machine's directory. berth is the one that is tested, the deployment that is queued is
 * `./rootfs`, a host that is reached by ssh is this machine, the registry of a site is docker's, and `/mnt` is a directory.
 */
async function runBlock(machine: Machine, site: string, block: string): Promise<void> {
  const stands = `cd '${machine.directory}'
    berth() { '${process.execPath}' '${main}' "$@"; }
    ssh() { shift; "$@"; }`;
  const own = block
    .replaceAll(/(berth \w+) staged/g, '$1 ./rootfs')
    .replaceAll('/mnt', join(machine.directory, 'mnt'))
    .replaceAll(
      'skopeo copy',
      `skopeo --registries-conf ${machine.directory}/registries.conf copy --dest-tls-verify=false`,
    )
    .replaceAll('registry.site.example', site);
  const words = ['--norc', '-euo', 'pipefail', '-c', `${stands}\n${own}`];
  const { code, stderr } = await machine.program('bash', ...words);
  // Its tags float, which fails with `--fail-on warning`.
  assert.equal(code, block.includes('--fail-on warning') ? 1 : 0, `${block}${stderr}`);
}

const shown = [
  'docs/first-boot.md',
  'docs/howto/air-gapped.md',
  'docs/howto/image-builder.md',
  'docs/lint.md',
  'docs/offline.md',
];

for (const page of shown) {
  test(`${page}: each command does what it is shown for`, async (t) => {
    const machine = await startMachineOfPages(t);
    const directory = join(machine.directory, 'site');
    mkdirSync(directory);
    const site = await startDockerRegistry(t, directory, { login: false });
    const blocks = scriptsOf(page);
    assert.ok(blocks.length > 0);
    for (const block of blocks) await runBlock(machine, site, block);
  });
}
