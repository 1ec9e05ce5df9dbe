import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { inspect, promisify } from 'node:util';
import { container, type Machine, main, startMachine, writeRoot } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';
import { skipPodman } from '../support/podman.ts';

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

/** Runs a program where no podman has run before, and says what it has left there. */
const INSTALLER = `
places="/var/lib/containers /run/containers /run/libpod /dev/shm"
for directory in $places; do
  mkdir -p "$directory"
  mount -t tmpfs tmpfs "$directory"
done
before=" $(cut -d ' ' -f 1 /proc/self/mountinfo | tr '\\n' ' ')"
"$@"
# Other mounts may go meanwhile: that of a directory which somebody else removes does so everywhere.
while read -r id mount; do
  case "$before" in *" $id "*) ;; *) echo "left: $mount" ;; esac
done < /proc/self/mountinfo
find $places ! -type d -printf "left: %p\\n"
`;

interface Target {
  readonly directory: string;
  /** On a machine that is not the target; its standard output. */
  readonly stage: () => Promise<string>;
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
  const apart = async (script: string, ...words: string[]) => {
    const options = ['--mount', '--propagation', 'private', 'sh', '-ec', script, 'sh'];
    const { environment: env } = machine;
    const { stdout } = await promisify(execFile)('unshare', [...options, ...words], { env });
    return stdout.trim();
  };
  const stage = [process.execPath, main, 'stage', '--engine', 'podman', '--into', directory];
  return {
    machine,
    directory,
    stage: () => apart(INSTALLER, ...stage),
    booted: (...words) => apart(BOOT, join(directory, 'var/lib/containers'), ...words),
  };
}

test('a target’s podman has the images and the pins at its first boot', { skip }, async (t) => {
  const { machine, directory, stage, booted } = await startTarget(t);
  const said = await stage();
  assert.match(said, /root is ready on podman/);
  assert.doesNotMatch(said, /left:/);
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
  delete machine.environment['TMPDIR'];
  const temporary = () => readdirSync(join(directory, 'var/tmp'));
  // A registry that is slow to reply, as on a busy machine, is a far one: then berth itself downloads.
  const inStore = () => filesBelow(join(directory, 'var/lib/berth/store/blobs'));
  const during: string[] = [];
  machine.registry.fault = ({ path }) => {
    if (!path.includes('/api/blobs/')) return undefined;
    during.push(...temporary(), ...inStore());
    return { status: 503 };
  };
  const said = await stage().then(
    () => assert.fail('a stage without a registry is no success'),
    (error: unknown) => inspect(error),
  );
  assert.notDeepEqual(during, [], `what is downloaded lies in the target\n${said}`);
  machine.registry.fault = undefined;
  assert.match(await stage(), /root is ready on podman/);
  assert.deepEqual(temporary(), []);
});

function filesBelow(path: string): string[] {
  return existsSync(path) ? readdirSync(path, { recursive: true, encoding: 'utf8' }) : [];
}
