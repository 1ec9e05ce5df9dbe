import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test, { type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { container, type Machine, startMachine, writeRoot } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';
import { skipPodman } from '../support/podman.ts';

const main = resolve(import.meta.dirname, '../../src/cli/main.ts');
const host = 'registry.example.com';
const skip = skipPodman || (process.geteuid?.() === 0 ? false : 'mounts are for root');

/** Shows a target's /var/lib/containers as the system's own, as its boot does, and runs a program. */
const BOOT = `
mount --bind "$1" /var/lib/containers
mkdir -p /run/containers /run/libpod
for directory in /run/containers /run/libpod /dev/shm; do mount -t tmpfs tmpfs "$directory"; done
shift
exec "$@"
`;

interface Target {
  readonly directory: string;
  readonly stage: () => ReturnType<Machine['berth']>;
  /** Runs a program where the target's storage is the system's own. */
  readonly booted: (...words: string[]) => Promise<string>;
}

async function startTarget(t: TestContext): Promise<Target & { readonly machine: Machine }> {
  const machine = await startMachine(t);
  machine.registry.push('web:1', buildImage({ layers: [{ bytes: 20_000, seed: 1 }] }));
  machine.registry.push('api:1', buildImage({ layers: [{ bytes: 20_000, seed: 2 }] }));
  const directory = writeRoot(join(machine.directory, 'target'), {
    'usr/lib/berth/berth.toml': '[bind]\nmode = "all"\n',
    ...container('web', `${host}/web:1`),
    ...container('api', `${host}/api:1`),
  });
  mkdirSync(join(directory, 'var'));
  const containers = join(directory, 'var/lib/containers');
  return {
    machine,
    directory,
    stage: () => machine.berth('stage', '--engine', 'podman', '--into', directory),
    booted: async (...words) => {
      const inside = ['--mount', '--propagation', 'private', 'sh', '-ec', BOOT, 'sh', containers];
      const { stdout } = await promisify(execFile)('unshare', [...inside, ...words], {
        env: machine.environment,
      });
      return stdout.trim();
    },
  };
}

test('a target’s podman has the images and the pins at its first boot', { skip }, async (t) => {
  const { machine, directory, stage, booted } = await startTarget(t);
  const mounts = () => readFileSync('/proc/self/mountinfo', 'utf8');
  const before = mounts();
  const own = readdirOf('/var/lib/containers/storage');
  const { code, stderr, stdout } = await stage();
  assert.equal(code, 0, stderr);
  assert.match(stdout, /root is ready on podman/);
  assert.equal(mounts(), before, 'the installer has the mounts that it had');
  assert.deepEqual(readdirOf('/var/lib/containers/storage'), own);
  await machine.registry.close();

  const berth = (...words: string[]) =>
    booted(process.execPath, main, ...words, '--engine', 'podman', '--state-dir', state);
  const state = join(directory, 'var/lib/berth');
  await t.test('under the names that its units use, in spite of every prune', async () => {
    await booted('podman', 'system', 'prune', '-a', '-f', '--volumes');
    const format = '{{range .Names}}{{.}} {{end}}';
    const images = await booted('podman', 'images', '--format', format);
    assert.ok(images.includes(`${host}/web:1`) && images.includes(`${host}/api:1`), images);
    const pins = await booted('podman', 'ps', '--all', '--format', '{{.State}}');
    assert.equal(pins, 'Created\nCreated');
    assert.match(await berth('verify', 'root'), /ready/);
  });
  await t.test('and makes the pins again if its own version can’t read the database', async () => {
    rmSync(join(directory, 'var/lib/containers/storage/libpod'), { recursive: true });
    assert.equal(await booted('podman', 'ps', '--all', '--quiet'), '');
    await berth('activate').catch(() => undefined);
    const pins = await booted('podman', 'ps', '--all', '--format', '{{.State}}');
    assert.equal(pins, 'Created\nCreated');
  });
});

test('a stage into a target that failed goes on', { skip }, async (t) => {
  const { machine, directory, stage } = await startTarget(t);
  machine.registry.fault = ({ path }) =>
    path.includes('/api/blobs/') ? { status: 503 } : undefined;
  assert.notEqual((await stage()).code, 0);
  machine.registry.fault = undefined;
  const { code, stderr } = await stage();
  assert.equal(code, 0, stderr);
  const leftovers = readdirSync(join(directory, 'var/tmp'));
  assert.deepEqual(leftovers, [], 'podman downloads into the target, and clears that');
});

function readdirOf(path: string): readonly string[] {
  return readdirSync(path).toSorted();
}
