import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { openContainerd } from '../../../src/engine/containerd/containerd.ts';
import { skipContainerd, startContainerd } from '../../support/containerd.ts';
import { client, serve } from '../../support/registry-client.ts';
import { fetchFrom, requestFor } from '../contract/calls.ts';
import { pushSmall } from '../contract/images.ts';

/** This is why berth pins by labels and leases and not by containerd's configuration: docs/engines.md. */
test('pins in the configuration of containerd 2.1 count from its next start, and stay when they are taken out', {
  skip: skipContainerd,
}, async (t) => {
  const registry = await serve(t);
  const containerd = await startContainerd(t, 'forky', { insecure: [registry.host] });
  const { directory, socket } = containerd;
  const open = () =>
    openContainerd({
      socket,
      pinKey: join(directory, 'pins.key'),
      registry: client(t, [registry]),
    });
  const ctr = (...words: string[]) => containerd.ctr('--namespace', 'k8s.io', 'images', ...words);
  const isPinned = async (name: string) => {
    const lines = (await ctr('ls')).split('\n');
    return lines.some((line) => line.startsWith(`${name} `) && line.includes('pinned=pinned'));
  };
  const image = pushSmall({ machine: { registry } }, 'app:1', 1);
  let engine = await open();
  const id = await fetchFrom(engine, image);
  await engine.tag(id, image.name);
  const main = join(directory, 'config.toml');
  const dropIns = join(directory, 'conf.d');
  mkdirSync(dropIns);
  writeFileSync(
    join(dropIns, 'list.toml'),
    `version = 3\n[plugins."io.containerd.cri.v1.images".pinned_images]\napp = ${JSON.stringify(image.name)}\n`,
  );
  const imports = `$&\nimports = [${JSON.stringify(`${dropIns}/*.toml`)}]`;
  writeFileSync(main, readFileSync(main, 'utf8').replace(/^version = 3$/m, imports));
  assert.equal(await isPinned(image.name), false, 'the configuration is read at the start alone');
  await engine.close();
  await containerd.restart();
  engine = await open();
  assert.equal(await isPinned(image.name), true);

  await engine.pin('root', [requestFor(engine, image)]);
  await engine.unpin(await engine.pins());
  assert.equal(await isPinned(image.name), true, 'berth leaves what it has not pinned');
  assert.equal(await engine.remove(id), false);
  await engine.close();

  rmSync(join(dropIns, 'list.toml'));
  await containerd.restart();
  assert.equal(await isPinned(image.name), true, 'nobody takes the label away');
});
