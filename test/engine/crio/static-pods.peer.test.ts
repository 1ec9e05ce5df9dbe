import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { criOn } from '../../../src/engine/crio/cri.ts';
import { openGrpc } from '../../../src/engine/grpc/transport.ts';
import { CRIO_DROP_IN } from '../../../src/image/crio-drop-in.ts';
import { startWatcher } from '../../lifecycle/watch/watcher.ts';
import { writeRoot } from '../../support/berth.ts';
import { skipPodman } from '../../support/podman.ts';
import { startCrio } from '../contract/crio-on-podman.ts';
import { pushSmall } from '../contract/images.ts';

test('a node with static pods on CRI-O: staged, verified, renewed, released', {
  skip: skipPodman,
}, async (t) => {
  const tested = await startCrio(t);
  const { machine, pinDirectory, crio } = tested;
  const etcd = pushSmall(tested, 'etcd:1', 1);
  const pause = pushSmall(tested, 'pause:3', 2);
  const root = writeRoot(join(machine.directory, 'next'), {
    'etc/kubernetes/manifests/etcd.yaml': `apiVersion: v1\nkind: Pod\nmetadata:\n  name: etcd\nspec:\n  containers:\n    - name: etcd\n      image: ${etcd.name}\n`,
    'usr/lib/systemd/system/kubelet.service': '[Service]\nExecStart=/usr/bin/kubelet\n',
    'usr/lib/systemd/system/crio.service': '[Service]\nExecStart=/usr/bin/crio\n',
    'etc/crio/crio.conf': `[crio.image]\npause_image = "${pause.name}"\n`,
  });
  const dropIn = join(pinDirectory, CRIO_DROP_IN);
  const others = join(pinDirectory, '50-pinned-images');
  const berth = async (...words: string[]) => {
    const outcome = await machine.berth(...words);
    assert.equal(outcome.code, 0, outcome.stderr + outcome.stdout);
    return outcome.stdout;
  };

  await t.test('a CRI-O that comes with the next OS takes its images at the boot', async () => {
    const active = join(machine.directory, 'active');
    writeFileSync(active, '#!/bin/sh\necho now\n', { mode: 0o755 });
    const config = join(machine.directory, 'host.toml');
    const roots = ['now', 'next'].map(
      (id) => `{ path = "${join(machine.directory, id)}", id = "${id}" }`,
    );
    const directories = `[directories]\nroots = [${roots.join(', ')}]\n`;
    writeFileSync(config, `${directories}active = { command = ["${active}"] }\n`);
    writeRoot(join(machine.directory, 'now'), { 'etc/os-release': 'ID=now\n' });
    await crio.stop();
    const said = await berth('stage', '--config', config, '--bind', 'all', root);
    assert.match(said, /2 images wait downloaded: 2 for crio/);
    writeFileSync(active, '#!/bin/sh\necho next\n');
    machine.registry.fault = () => ({ kind: 'reset-at-once' });
    await crio.start();
    await berth('activate', '--config', config, '--for', 'crio');
    assert.match(
      await berth('verify', '--config', config, 'next'),
      /^next is ready: 2 images present/,
    );
    machine.registry.fault = undefined;
    await berth('release', '--config', config, '--engine', 'crio', 'next');
    await tested.clear();
  });

  await t.test('a stage has CRI-O pull them, pins them, and says how firm that is', async () => {
    const said = await berth('stage', '--bind', 'all', '--id', 'next', root);
    assert.match(said, /next is ready on crio: 2 images/);
    assert.match(said, /crio pins against clean-ups alone/);
    const text = readFileSync(dropIn, 'utf8');
    for (const { name } of [etcd, pause]) assert.ok(text.includes(`  "${name}",`), text);
  });

  await t.test('verify says so too', async () => {
    assert.equal(
      await berth('verify', 'next'),
      'next is ready: 2 images present and pinned on crio against clean-ups alone.\n',
    );
  });

  await t.test('a stage without anything to do carries over what others have changed', async () => {
    writeFileSync(others, '[crio.image]\npinned_images = ["q.io/others:1"]\n');
    await berth('stage', '--bind', 'all', '--id', 'next', root);
    assert.ok(readFileSync(dropIn, 'utf8').includes('"q.io/others:1"'));
  });

  await t.test(
    'a watch puts back what somebody takes, and carries over what others pin',
    async (s) => {
      const { healed, end } = await startWatcher(s, machine, '--engine', 'crio');
      rmSync(dropIn);
      // The pins of both images.
      await healed(2);
      assert.ok(existsSync(dropIn));
      const grpc = openGrpc({ name: 'crio', socket: crio.socket });
      s.after(() => grpc.close());
      await criOn(grpc).remove(etcd.config.slice('sha256:'.length));
      await healed();
      await berth('verify', 'next');
      const changed = watch(pinDirectory);
      writeFileSync(others, '[crio.image]\npinned_images = ["q.io/newer:1"]\n');
      while (!readFileSync(dropIn, 'utf8').includes('"q.io/newer:1"'))
        await once(changed, 'change');
      changed.close();
      await end();
    },
  );

  await t.test('without its record, the root is known by its pins', async () => {
    rmSync(join(machine.directory, 'state/roots'), { recursive: true });
    assert.match(await berth('verify', '--engine', 'crio', 'next'), /^next is ready: 2 images/);
  });

  await t.test('released, the root leaves no drop-in, and prune takes its images', async () => {
    await berth('release', '--engine', 'crio', 'next');
    assert.equal(existsSync(dropIn), false);
    assert.match(await berth('prune', '--force', '--engine', 'crio'), /etcd:1/);
  });
});
