import assert from 'node:assert/strict';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { version } from '../../src/common/version.ts';
import { type Machine, startMachine } from '../support/berth.ts';
import { debianRoot, libraryDirectory } from '../support/debian-root.ts';
import { buildImage } from '../support/image-builder.ts';
import { buildContainer } from '../support/installed.ts';

const examples = resolve(import.meta.dirname, '../../examples');

test('the container image: berth runs in it, and an OS image is built with it', async (t) => {
  const machine = await startMachine(t);
  const buildah = startBuildah(machine);
  const { directory } = machine;
  const base = await buildBase(buildah, machine);
  const image = `localhost/berth:${version}`;
  const options = ['--timestamp', '1700000000', '--build-arg', `BASE=${base}`];
  const build = buildah.words(...buildah.build, ...options);
  buildContainer(build.join(' '), image);
  await t.test('a second build is equal', async () => {
    buildContainer(build.join(' '), 'localhost/again:1');
    const id = (name: string) => buildah.run('images', '--quiet', '--no-trunc', name);
    assert.equal(await id('localhost/again:1'), await id(image));
  });
  await t.test('it says what it is', async () => {
    const { OCIv1 } = JSON.parse(await buildah.run('inspect', '--type', 'image', image)) as {
      OCIv1: { config: { Cmd: string[]; Labels: Record<string, string> } };
    };
    assert.deepEqual(OCIv1.config.Cmd, ['berth', '--help']);
    assert.equal(OCIv1.config.Labels['org.opencontainers.image.version'], version);
  });
  await t.test('berth lint runs in it, on a tree of the CI job', async (t) => {
    const container = await buildah.from(t, image);
    const words = ['run', '--isolation', 'chroot', '--volume', `${examples}/os-a:/os:ro`];
    const inside = (line: string) => buildah.run(...words, container, '--', 'sh', '-c', line);
    assert.equal(await inside('berth --version'), `${version}\n`);
    assert.match(await inside('berth lint --offline /os'), /floating-tag/);
  });
  await t.test('examples/build locks what the registry has, and has berth in the OS', async (t) => {
    const { digest } = machine.registry.push(
      'acme/web:1',
      buildImage({ layers: [{ files: { 'etc/web': 'one' } }] }),
    );
    const context = join(directory, 'build');
    cpSync(join(examples, 'build'), context, { recursive: true });
    const words = ['--build-arg', `BASE=${base}`, '--tag', 'localhost/os:1', context];
    await buildah.run(...buildah.build, ...words);
    const container = await buildah.from(t, 'localhost/os:1');
    const os = (await buildah.run('mount', container)).trim();
    const lock = readFileSync(join(os, 'usr/lib/berth/lock.json'), 'utf8');
    assert.ok(lock.includes(digest), lock);
    assert.ok(existsSync(join(os, 'usr/lib/systemd/system/berth-stage.path')));
    assert.ok(existsSync(join(os, 'usr/bin/berth')));
  });
});

interface Buildah {
  /** The words of `build`, offline and without a runtime. */
  readonly build: readonly string[];
  readonly words: (...words: string[]) => readonly string[];
  readonly run: (...words: string[]) => Promise<string>;
  /** Makes a container, which is gone after the test. */
  readonly from: (t: TestContext, image: string) => Promise<string>;
}

/** With a store of its own. */
function startBuildah(machine: Machine): Buildah {
  const { directory } = machine;
  const running = join(directory, 'run');
  mkdirSync(running);
  const store = ['--root', join(directory, 'images'), '--runroot', running];
  const words = (...rest: string[]) => ['buildah', ...store, '--storage-driver', 'vfs', ...rest];
  // Without waiting for the end at once: meanwhile the registry of the test answers.
  const run = async (...rest: string[]) => {
    const [program = '', ...more] = words(...rest);
    const { code, stdout, stderr } = await machine.program(program, ...more);
    assert.equal(code, 0, `buildah ${rest.join(' ')}: ${stderr}`);
    return stdout;
  };
  return {
    build: ['build', '--pull-never', '--isolation', 'chroot', '--network', 'host'],
    words,
    run,
    from: async (t, image) => {
      const container = (await run('from', '--pull-never', image)).trim();
      t.after(() => run('rm', container));
      return container;
    },
  };
}

/**
 * In the place of Debian's image, which would come over the network: the libraries of trixie that Node needs, a shell,
 * and the way to the registry of the test.
 */
async function buildBase(buildah: Buildah, { directory, environment }: Machine): Promise<string> {
  const root = join(directory, 'base');
  const libraries = ['c', 'm', 'dl', 'pthread', 'gcc_s', 'stdc++'];
  const versions: Readonly<Record<string, number>> = { dl: 2, pthread: 0, gcc_s: 1 };
  for (const name of libraries) {
    const file = `usr/lib/${libraryDirectory}/lib${name}.so.${versions[name] ?? 6}`;
    copy(join(debianRoot('trixie'), file), join(root, file));
  }
  const [loader, place] =
    process.arch === 'arm64' ? ['ld-linux-aarch64.so.1', 'lib'] : ['ld-linux-x86-64.so.2', 'lib64'];
  copy(join(debianRoot('trixie'), 'usr', place, loader), join(root, 'usr', place, loader));
  for (const link of ['lib', 'lib64', 'bin']) symlinkSync(`usr/${link}`, join(root, link));
  copy('/usr/bin/busybox', join(root, 'usr/bin/busybox'));
  for (const name of ['sh', 'cp', 'ln', 'mkdir'])
    symlinkSync('busybox', join(root, 'usr/bin', name));
  copy(
    environment['CONTAINERS_REGISTRIES_CONF'] ?? '',
    join(root, 'etc/containers/registries.conf'),
  );
  writeFileSync(join(directory, 'Containerfile'), 'FROM scratch\nCOPY . /\n');
  const words = ['--file', join(directory, 'Containerfile'), '--tag', 'localhost/base:1', root];
  await buildah.run(...buildah.build, ...words);
  return 'localhost/base:1';
}

function copy(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
  chmodSync(to, 0o755);
}
