import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { isOutOfSpace } from '../../src/common/errors.ts';
import { type Machine, startMachine, writeRoot } from '../support/berth.ts';
import { type ContainerdSuite, prepareContainerd, skipContainerd } from '../support/containerd.ts';
import { type ImageStore, prepareDocker, skipDocker } from '../support/docker.ts';
import { buildImage } from '../support/image-builder.ts';
import { mountSmall, skipMounts } from '../support/small-file-system.ts';

/** An engine whose images are in a small file system. */
interface SmallEngine {
  readonly machine: Machine;
  /** As `--engine` names the engine. */
  readonly option: string;
  /** The mount point. */
  readonly disk: string;
}

const engines: Readonly<Record<string, (t: TestContext) => Promise<SmallEngine>>> = {
  'docker with overlay2': (t) => smallDocker(t, 'overlay2'),
  'docker with containerd’s store': (t) => smallDocker(t, 'containerd'),
  'containerd 1.6': (t) => smallContainerd(t, 'bookworm', 'plain'),
  'containerd 1.7 by its transfer service': (t) => smallContainerd(t, 'trixie', 'plain'),
  'containerd 2.1 by its CRI': (t) => smallContainerd(t, 'forky', 'cri'),
};

const skip = skipMounts || skipDocker || skipContainerd;

for (const [name, start] of Object.entries(engines)) {
  test(`${name}: a disk that fills up during a stage loses nothing`, { skip }, (t) =>
    fillsUp(t, start),
  );
}

async function fillsUp(
  t: TestContext,
  start: (t: TestContext) => Promise<SmallEngine>,
): Promise<void> {
  const { machine, option, disk } = await start(t);
  const { registry } = machine;
  const stage = (id: string, ...images: readonly string[]) => {
    const names = images.map((image) => `${registry.host}/${image}\n`).join('');
    const list = { 'usr/lib/berth/images.d/os.list': `# engine: ${option}\n${names}` };
    const root = writeRoot(join(machine.directory, `root-${id}`), list);
    return machine.berth('stage', '--progress', 'none', '--id', id, root);
  };
  const verifies = async (id: string) => {
    const { code, stdout, stderr } = await machine.berth('verify', id);
    assert.equal(code, 0, stdout + stderr);
  };
  registry.push('small:1', buildImage({ layers: [{ bytes: 5000, seed: 1 }] }));
  const large = { bytes: 8 * 1024 * 1024, seed: 2 };
  registry.push('large:1', buildImage({ layers: [{ bytes: 5000, seed: 1 }, large] }));
  assert.equal((await stage('first', 'small:1')).code, 0);

  // There is enough space when berth looks, and none any more when the layers come.
  registry.fault = ({ path }) => {
    if (path.includes('/large/blobs/')) fill(disk);
    return undefined;
  };
  const failed = await stage('second', 'small:1', 'large:1');
  assert.equal(failed.code, 4, failed.stdout + failed.stderr);
  assert.match(failed.stderr, /has no space left: .*no space left on device/);
  assert.match(failed.stderr, /make space where/);
  registry.fault = undefined;
  await verifies('first');

  rmSync(join(disk, 'filler'));
  const whole = await stage('second', 'small:1', 'large:1');
  assert.equal(whole.code, 0, whole.stdout + whole.stderr);
  await verifies('second');
}

/** Takes all that is left, while the engine writes too. */
function fill(disk: string): void {
  for (let piece = 1024 * 1024; piece >= 4096; piece /= 2) {
    try {
      for (;;) writeFileSync(join(disk, 'filler'), Buffer.alloc(piece), { flag: 'a' });
    } catch (error) {
      if (!isOutOfSpace(error)) throw error;
    }
  }
}

const SIZE = 'size=96m';

async function smallDocker(t: TestContext, store: ImageStore): Promise<SmallEngine> {
  const machine = await startMachine(t);
  const { disk, directory } = mount(machine, 'data');
  const docker = prepareDocker(directory, { suite: 'trixie', store });
  t.after(() => docker.kill());
  await docker.restart();
  machine.environment['DOCKER_HOST'] = docker.environment['DOCKER_HOST'];
  return { machine, option: 'docker', disk };
}

async function smallContainerd(
  t: TestContext,
  suite: ContainerdSuite,
  how: 'cri' | 'plain',
): Promise<SmallEngine> {
  const machine = await startMachine(t);
  const { disk, directory } = mount(machine, 'root');
  const options = { cri: how === 'cri', insecure: [machine.registry.host] };
  const containerd = prepareContainerd(directory, suite, options);
  t.after(() => containerd.kill());
  await containerd.restart();
  machine.environment['CONTAINERD_ADDRESS'] = containerd.socket;
  return { machine, option: how === 'cri' ? 'containerd' : 'containerd:plain', disk };
}

/** The machine's directory is cleared away with what is mounted in it. */
function mount({ directory: machine }: Machine, name: string) {
  const directory = join(machine, 'engine');
  const { directory: disk } = mountSmall(join(directory, name), SIZE);
  return { directory, disk };
}
