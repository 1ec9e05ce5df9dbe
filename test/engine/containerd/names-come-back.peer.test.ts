import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { startWatcher } from '../../lifecycle/watch/watcher.ts';
import { type Machine, startMachine, writeRoot } from '../../support/berth.ts';
import { skipContainerd, startContainerd } from '../../support/containerd.ts';
import { criClient } from '../../support/cri.ts';
import { buildImage } from '../../support/image-builder.ts';

for (const suite of ['bookworm', 'forky'] as const) {
  test(`names that somebody removed from containerd of ${suite} come back without a registry`, {
    skip: skipContainerd,
  }, async (t) => {
    const machine = await startMachine(t);
    const { registry, environment, directory } = machine;
    const containerd = await startContainerd(t, suite, { insecure: [registry.host] });
    environment['CONTAINERD_ADDRESS'] = containerd.socket;
    const cri = criClient(containerd.socket, containerd.directory);
    t.after(() => cri.close());
    const names = ['web:1', 'db:1'].map((name, seed) => {
      registry.push(name, buildImage({ layers: [{ bytes: 2000, seed }] }));
      return `${registry.host}/${name}`;
    });
    const list = `# engine: containerd\n${names.join('\n')}\n`;
    const root = writeRoot(join(directory, 'os'), { 'usr/lib/berth/images.d/os.list': list });
    await berth(machine, 0, 'stage', '--id', 'os', root);
    await registry.close();

    const ctr = (...words: string[]) => containerd.ctr('--namespace', 'k8s.io', ...words);
    const [web = '', db = ''] = names;
    const every = async () => (await ctr('images', 'ls', '--quiet')).split('\n');
    const removals: Readonly<Record<string, () => Promise<unknown>>> = {
      'one name': () => ctr('images', 'rm', web),
      'every name': async () => ctr('images', 'rm', '--sync', ...(await every())),
      'CRI RemoveImage': () => cri.removeImage(db),
      ...(suite === 'bookworm'
        ? {}
        : { 'every image that no container uses': () => ctr('images', 'prune', '--all') }),
    };
    const watcher = await startWatcher(t, machine);
    const isBack = async (name: string) => {
      const image = await cri.image(name);
      // containerd 1.6 does not know pins.
      return image !== undefined && (suite === 'bookworm' || image.pinned);
    };
    for (const [what, remove] of Object.entries(removals)) {
      t.diagnostic(what);
      await remove();
      do await watcher.healed();
      while ((await machine.berth('verify', 'os')).code !== 0);
      // The CRI hears of names by events.
      while (!(await Promise.all(names.map(isBack))).every(Boolean)) await setTimeout(20);
    }
  });
}

async function berth(machine: Machine, expected: number, ...words: string[]): Promise<void> {
  const { code, stdout, stderr } = await machine.berth(...words);
  assert.equal(code, expected, `${words.join(' ')}: ${stdout}${stderr}`);
}
