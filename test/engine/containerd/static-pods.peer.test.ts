import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import test, { type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { type Machine, startMachine, writeRoot } from '../../support/berth.ts';
import {
  type ContainerdSuite,
  containerdSuites,
  skipContainerd,
  startContainerd,
  type TestContainerd,
} from '../../support/containerd.ts';
import { type CriClient, criClient } from '../../support/cri.ts';
import { buildImage } from '../../support/image-builder.ts';

/**
 * The next OS brings newer static pods, as kubeadm writes them. berth stages it while the old etcd runs; then
 * the registry goes away, containerd starts again, and the CRI is asked for the new pods as the kubelet asks
 * for them under `imagePullPolicy: Never`. The kubelet itself is in no suite of Debian.
 */
for (const suite of containerdSuites) {
  test(`etcd, the API server and the pause image wait in containerd of ${suite} before the running etcd stops`, {
    skip: skipContainerd,
  }, async (t) => {
    const machine = await startMachine(t);
    pushImages(machine);
    const containerd = await startNode(t, suite, machine);
    const cri = criClient(containerd.socket, containerd.directory);
    try {
      await upgrade(machine, containerd, cri, suite);
    } finally {
      await cri.clear();
      cri.close();
    }
  });
}

async function upgrade(
  machine: Machine,
  containerd: TestContainerd,
  cri: CriClient,
  suite: ContainerdSuite,
): Promise<void> {
  const { host } = machine.registry;
  const port = await freePort();
  await stage(machine, 'old', writeOs(machine, 'old', port));
  const [old = ''] = await startEtcd(cri, machine, 'old', port);
  await serves(port);

  await stage(machine, 'new', writeOs(machine, 'new', port));
  assert.ok(await cri.isRunning(old), 'the old etcd still runs');
  await machine.registry.close();
  await containerd.restart();
  const { code, stderr } = await machine.berth('verify', 'new');
  assert.equal(code, 0, stderr);

  await cri.clear();
  for (const name of [`${host}/etcd:new`, `${host}/kube-apiserver:new`, `${host}/pause:1`]) {
    const image = await cri.image(name);
    assert.ok(image, name);
    // containerd 1.6 does not know pins.
    if (suite !== 'bookworm') assert.equal(image.pinned, true, name);
  }
  const [etcd = ''] = await startEtcd(cri, machine, 'new', port);
  await serves(port);
  assert.ok(await cri.isRunning(etcd));
  const [api = ''] = await cri.startPod('kube-apiserver-new', [
    { name: 'kube-apiserver', image: `${host}/kube-apiserver:new`, command: apiServer },
  ]);
  assert.ok(await cri.isRunning(api));
}

/** The API server is in no suite of Debian: a program that waits stands in for it. */
const apiServer = ['/bin/busybox', 'sleep', '2147483647'];

type Version = 'old' | 'new';

/** The node's containerd, which runs podman's part of no test: the registry's pause image is its own. */
async function startNode(
  t: TestContext,
  suite: ContainerdSuite,
  machine: Machine,
): Promise<TestContainerd> {
  const { host } = machine.registry;
  const containerd = await startContainerd(t, suite, {
    insecure: [host],
    sandbox: `${host}/pause:1`,
  });
  machine.environment['CONTAINERD_ADDRESS'] = containerd.socket;
  return containerd;
}

function pushImages({ registry }: Machine): void {
  const busybox = { files: { 'bin/busybox': program('busybox') } };
  const wait = ['/bin/busybox', 'sleep', '2147483647'];
  registry.push('pause:1', buildImage({ layers: [busybox], entrypoint: wait }));
  for (const version of ['old', 'new']) {
    const own = { files: { version } };
    registry.push(`etcd:${version}`, buildImage({ layers: [etcdLayer(), own] }));
    registry.push(`kube-apiserver:${version}`, buildImage({ layers: [busybox, own] }));
  }
}

/** Debian's etcd with the libraries that it needs, as this machine has them. */
function etcdLayer() {
  const script = resolve(import.meta.dirname, '../../../scripts/debian-package.sh');
  const home = execFileSync(script, ['bookworm', 'etcd-server'], { encoding: 'utf8' }).trim();
  const etcd = join(home, 'usr/bin/etcd');
  const libraries = execFileSync('ldd', [etcd], { encoding: 'utf8' }).matchAll(/\/\S+/g);
  const files = [...libraries].map(([path]) => [path.slice(1), readFileSync(path)] as const);
  return { files: Object.fromEntries([['usr/bin/etcd', readFileSync(etcd)], ...files]) };
}

function program(name: string): Buffer {
  return readFileSync(execFileSync('which', [name], { encoding: 'utf8' }).trim());
}

/** The files by which `kubeadm` and a packager of an OS tell what the node runs. */
function writeOs(
  { directory, registry: { host } }: Machine,
  version: Version,
  port: number,
): string {
  const pod = (name: string, command: readonly string[]) => `apiVersion: v1
kind: Pod
metadata:
  name: ${name}
  namespace: kube-system
spec:
  hostNetwork: true
  priorityClassName: system-node-critical
  containers:
  - name: ${name}
    image: ${host}/${name}:${version}
    imagePullPolicy: IfNotPresent
    command: ${JSON.stringify(command)}
`;
  return writeRoot(join(directory, version), {
    'usr/lib/berth/berth.toml': '[bind]\nmode = "all"\n',
    'etc/kubernetes/manifests/etcd.yaml': pod('etcd', etcdCommand(port)),
    'etc/kubernetes/manifests/kube-apiserver.yaml': pod('kube-apiserver', apiServer),
    'etc/containerd/config.toml': `version = 2\n[plugins."io.containerd.grpc.v1.cri"]\nsandbox_image = "${host}/pause:1"\n`,
    'usr/lib/systemd/system/kubelet.service': '[Service]\nExecStart=/usr/bin/kubelet\n',
    'usr/lib/systemd/system/containerd.service': '[Service]\nExecStart=/usr/bin/containerd\n',
  });
}

function etcdCommand(port: number): readonly string[] {
  const url = `http://127.0.0.1:${port}`;
  return [
    '/usr/bin/etcd',
    '--data-dir=/data',
    `--listen-client-urls=${url}`,
    `--advertise-client-urls=${url}`,
    '--listen-peer-urls=http://127.0.0.1:0',
  ];
}

async function stage(machine: Machine, id: Version, root: string): Promise<void> {
  const { code, stderr } = await machine.berth('stage', '--id', id, root);
  assert.equal(code, 0, stderr);
}

function startEtcd(
  cri: CriClient,
  { registry: { host } }: Machine,
  version: Version,
  port: number,
): Promise<readonly string[]> {
  const image = `${host}/etcd:${version}`;
  return cri.startPod(`etcd-${version}`, [{ name: 'etcd', image, command: etcdCommand(port) }]);
}

/** Waits until etcd answers; the test ends if it never does. */
async function serves(port: number): Promise<void> {
  for (;;) {
    const health = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
    if (health?.ok === true) return;
    await setTimeout(50);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  const { promise, resolve: done } = Promise.withResolvers<number>();
  server.once('listening', () => {
    const address = server.address();
    server.close(() => done(typeof address === 'object' ? (address?.port ?? 0) : 0));
  });
  return promise;
}
