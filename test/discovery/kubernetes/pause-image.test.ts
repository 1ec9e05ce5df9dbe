import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pauseImages as pauseImagesOf } from '../../../src/discovery/kubernetes/pause-image.ts';
import { programFlags } from '../../../src/discovery/services/program-flags.ts';
import type { SourceContext } from '../../../src/discovery/source.ts';
import { CRIO_DROP_IN } from '../../../src/image/crio-drop-in.ts';
import { readSystemdUnits } from '../../../src/systemd/systemd-units.ts';
import { limitCpu } from '../../support/limit-cpu.ts';
import { foundBy, places, problemsOf } from '../source.ts';

/** Reads the flags of the engines' services as well. */
function pauseImages(context: SourceContext) {
  const { root, etc } = context;
  const units = readSystemdUnits(root, etc, { ...context, manager: 'system', generated: [] });
  return pauseImagesOf(context, (name) => programFlags(name, units, context));
}

const containerd = '/etc/containerd/config.toml';
const crio = '/etc/crio/crio.conf';
const v1 = '[plugins.cri]\n  sandbox_image = "q.io/pause:1"\n';
const v2 = 'version = 2\n[plugins."io.containerd.grpc.v1.cri"]\n  sandbox_image = "q.io/pause:2"\n';
const v3 =
  "version = 3\n[plugins.'io.containerd.cri.v1.images'.pinned_images]\n  sandbox = 'q.io/pause:3'\n";

test('each version of the configuration of containerd is read', async (t) => {
  const read = async (text: string) =>
    places(await foundBy(t, pauseImages, { [containerd]: text }));
  assert.deepEqual(await read(v1), [
    `${containerd}:2 plugins.cri.sandbox_image q.io/pause:1 missing`,
  ]);
  assert.deepEqual(await read(v2), [
    `${containerd}:3 plugins."io.containerd.grpc.v1.cri".sandbox_image q.io/pause:2 missing`,
  ]);
  const key = 'plugins."io.containerd.cri.v1.images".pinned_images.sandbox';
  assert.deepEqual(await read(v3), [`${containerd}:3 ${key} q.io/pause:3 missing`]);
  assert.deepEqual(await read(`version = 4\n${v3.slice('version = 3\n'.length)}`), [
    `${containerd}:3 ${key} q.io/pause:3 missing`,
  ]);
  const dotted = `version = 3\n\n[plugins."io.containerd.cri.v1.images"]\npinned_images.sandbox = "q.io/p:1"\n`;
  assert.deepEqual(await read(dotted), [`${containerd}:4 ${key} q.io/p:1 missing`]);
  assert.deepEqual(await read(v2.replace('version = 2', 'version = 3')), []);
  assert.deepEqual(await read(`disabled_plugins = ["cri"]\n${v1}`), []);
  assert.deepEqual(await read(''), []);
});

test('imports are merged over the file that imports them', async (t) => {
  const found = await foundBy(t, pauseImages, {
    [containerd]: `imports = ["/etc/containerd/conf.d/*.toml", "one.toml", "/x/*/a.toml"]\n${v2}`,
    '/etc/containerd/conf.d/a.toml': v1,
    '/etc/containerd/conf.d/b.conf': v3,
    '/etc/containerd/one.toml': `imports = ["config.toml"]\n${v3}`,
    '/x/y/a.toml': v3,
  });
  assert.deepEqual(
    found.references.map(({ path }) => path),
    ['/x/y/a.toml'],
  );
  assert.deepEqual(problemsOf(found), []);
  const [reference] = found.references;
  assert.deepEqual(
    [reference?.kind, reference?.unit, reference?.unitPath],
    ['pause', 'containerd.service', '/x/y/a.toml'],
  );
});

test('from CRI-O come the last pause image and the exact names of pinned images', async (t) => {
  const found = await foundBy(t, pauseImages, {
    [crio]: '[crio.image]\npause_image = "q.io/pause:1"\npinned_images = ["q.io/old:1"]\n',
    '/etc/crio/crio.conf.d/10-a.conf':
      '[crio.image]\n# "q.io/a:1"\npinned_images = [\n  "q.io/*",\n  "q.io/a:1",\n  "",\n  \'q.io/b:1\',\n]\n',
    '/etc/crio/crio.conf.d/20-b.conf': '[crio]\n[crio.image]\npause_image = "q.io/pause:2"\n',
  });
  assert.deepEqual(places(found), [
    '/etc/crio/crio.conf.d/20-b.conf:3 crio.image.pause_image q.io/pause:2 missing',
    '/etc/crio/crio.conf.d/10-a.conf:5 crio.image.pinned_images q.io/a:1 missing',
    '/etc/crio/crio.conf.d/10-a.conf:7 crio.image.pinned_images q.io/b:1 missing',
  ]);
  assert.deepEqual(problemsOf(found), []);
  assert.equal(found.references[0]?.unit, 'crio.service');
});

test("berth's own drop-in for CRI-O says nothing of what a root needs", async (t) => {
  const found = await foundBy(t, pauseImages, {
    '/etc/crio/crio.conf.d/10-a.conf': '[crio.image]\npinned_images = ["q.io/a:1"]\n',
    [`/etc/crio/crio.conf.d/${CRIO_DROP_IN}`]:
      '[crio.image]\npinned_images = ["q.io/a:1", "q.io/once-staged:1"]\n',
  });
  assert.deepEqual(places(found), [
    '/etc/crio/crio.conf.d/10-a.conf:2 crio.image.pinned_images q.io/a:1 missing',
  ]);
});

test('invalid TOML and invalid names are problems and hide nothing', async (t) => {
  const found = await foundBy(t, pauseImages, {
    [containerd]: 'version = 2\n[plugins."io.containerd.grpc.v1.cri"]\nsandbox_image = 1\n',
    [crio]: '[crio.image]\npause_image = \n',
    '/etc/crio/crio.conf.d/10-a.conf': '[crio.image]\npinned_images = [1]\n',
    '/etc/crio/crio.conf.d/20-b.conf': '-> /dev/null/x',
    '/etc/crio/crio.conf.d/30-c.conf': '[crio.image]\npause_image = "Q"\n',
  });
  assert.deepEqual(places(found), [
    '/etc/crio/crio.conf.d/30-c.conf:2 crio.image.pause_image - missing',
  ]);
  assert.deepEqual(problemsOf(found), [
    'image-name /etc/crio/crio.conf.d/30-c.conf:2',
    `engine-config ${containerd}:3`,
    `engine-config ${crio}:2`,
    'engine-config /etc/crio/crio.conf.d/10-a.conf:2',
  ]);
});

test('the number of imported files is limited', async (t) => {
  limitCpu(t, 30);
  const files = Object.fromEntries(
    Array.from({ length: 200 }, (_, index) => [
      `/etc/containerd/conf.d/${index}.toml`,
      `imports = ["*", "/etc/containerd/conf.d/*.toml"]\n${v2}`,
    ]),
  );
  const found = await foundBy(t, pauseImages, {
    ...files,
    [containerd]: 'imports = ["conf.d/*"]\n',
  });
  assert.equal(found.references.length, 1);
  assert.ok(problemsOf(found).some((problem) => problem.startsWith('engine-config')));
});

test('the flags of an engine go before its configuration', async (t) => {
  const unit = (name: string) => `/usr/lib/systemd/system/${name}.service`;
  const service = (name: string, command: string) => ({
    [unit(name)]: `[Service]\nExecStart=/usr/bin/${command}\n`,
  });
  const found = await foundBy(t, pauseImages, {
    ...service('containerd', 'containerd --config /etc/other.toml'),
    [containerd]: v1,
    '/etc/other.toml': v2,
    ...service('crio', 'crio -c /etc/c.conf --config-dir=/etc/c.d --pause-image q.io/flag:1'),
    [crio]: '[crio.image]\npinned_images = ["q.io/lost:1"]\n',
    '/etc/c.conf': '[crio.image]\npause_image = "q.io/lost:2"\n',
    '/etc/c.d/a': '[crio.image]\npinned_images = ["q.io/kept:1"]\n',
    ...service('cri-docker', 'cri-dockerd --pod-infra-container-image=pause:3'),
  });
  assert.deepEqual(
    found.references.map(({ image, engine, unit: of }) => `${image} ${engine} ${of}`),
    [
      'q.io/pause:2 containerd containerd.service',
      'q.io/flag:1 crio crio.service',
      'q.io/kept:1 crio crio.service',
      'docker.io/library/pause:3 docker cri-docker.service',
    ],
  );
  assert.deepEqual(problemsOf(found), []);
});
