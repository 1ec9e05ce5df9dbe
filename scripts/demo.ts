// `make demo`: the main job, on the roots of examples/, a registry of its own and an engine of its
// own. Nothing outside its temporary directory is touched.
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { buildImage } from '../test/support/image-builder.ts';
import { startRegistry, type TestRegistry } from '../test/support/registry.ts';

const home = resolve(import.meta.dirname, '..');
const engine = process.argv[2] ?? 'store';
if (engine !== 'store' && engine !== 'podman') {
  console.error(`demo: ENGINE is ${engine}, expected store or podman`);
  process.exit(2);
}

const directory = mkdtempSync(join(tmpdir(), 'berth-demo-'));
process.once('SIGINT', () => process.exit(130)).once('SIGTERM', () => process.exit(143));
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));

// Copies are whose demo it is: a checkout of somebody else's would be no tree that root believes.
cpSync(join(home, 'examples'), join(directory, 'examples'), {
  recursive: true,
  verbatimSymlinks: true,
});
const registry = await startRegistry();
try {
  await run(registry);
} finally {
  await registry.close();
}

async function run(registry: TestRegistry): Promise<void> {
  pushImages(registry, 'one');
  const environment = configure(registry);
  const stop = engine === 'podman' ? await startPodman(environment) : undefined;
  const berth = (command: string, ...words: string[]) =>
    // `images` needs no engine.
    show(environment, [command, ...(command === 'images' ? [] : ['--engine', engine]), ...words]);
  try {
    say('An OS tree, and the images that its units name:');
    await berth('images', 'examples/os-a');
    say('What staging it would do:');
    await berth('plan', '--id', 'os-a', 'examples/os-a');
    say('Fetch, pin and verify, while the old OS still works:');
    await berth('stage', '--id', 'os-a', 'examples/os-a');
    await berth('verify', 'os-a');
    pushImages(registry, 'two');
    say('The next version of the OS. api:latest has moved; os-a keeps what it was tested with:');
    await berth('stage', '--id', 'os-b', 'examples/os-b');
    say('The old tree is gone: let go of what it alone held.');
    await berth('release', 'os-a');
    await berth('prune', '--force');
  } finally {
    await stop?.();
  }
}

/** Two generations of images: the second has a web:2, and another api:latest. */
function pushImages(registry: TestRegistry, generation: 'one' | 'two'): void {
  const base = { bytes: 4_000_000, seed: 1 };
  const push = (name: string, bytes: number, seed: number) =>
    registry.push(`acme/${name}`, buildImage({ layers: [base, { bytes, seed }] }));
  if (generation === 'one') {
    push('web:1', 2_500_000, 2);
    push('api:latest', 6_000_000, 3);
    push('cache:7', 1_200_000, 4);
    push('db:16', 9_000_000, 5);
    push('models:3', 12_000_000, 6);
    push('debug:1', 3_000_000, 7);
  } else {
    push('web:2', 2_600_000, 8);
    push('api:latest', 6_100_000, 9);
  }
}

/** An environment in which berth, and podman, know nothing of this machine's own configuration. */
function configure({ host }: TestRegistry): NodeJS.ProcessEnv {
  const config = join(directory, 'home/.config/containers');
  mkdirSync(config, { recursive: true });
  const registries = join(directory, 'registries.conf');
  writeFileSync(
    registries,
    `[[registry]]\nprefix = "registry.example.com"\nlocation = "${host}"\ninsecure = true\n`,
  );
  writeFileSync(join(config, 'policy.json'), '{"default":[{"type":"insecureAcceptAnything"}]}\n');
  return {
    PATH: process.env['PATH'],
    HOME: join(directory, 'home'),
    TMPDIR: directory,
    BERTH_STATE_DIR: join(directory, 'state'),
    CONTAINERS_REGISTRIES_CONF: registries,
    ...(process.env['FORCE_COLOR'] === undefined
      ? {}
      : { FORCE_COLOR: process.env['FORCE_COLOR'] }),
  };
}

/** A podman service with a store of its own, as `CONTAINER_HOST` for berth. */
async function startPodman(environment: NodeJS.ProcessEnv): Promise<() => Promise<void>> {
  const { preparePodman } = await import('../test/support/podman.ts');
  const store = join(directory, 'podman');
  mkdirSync(store);
  const podman = preparePodman(store, { environment });
  await podman.restart();
  environment['CONTAINER_HOST'] = `unix://${podman.socket}`;
  return podman.stop;
}

function say(text: string): void {
  process.stdout.write(`\n# ${text}\n`);
}

/** Runs one command as a person would see it, and goes on whatever its exit code is. */
async function show(environment: NodeJS.ProcessEnv, words: readonly string[]): Promise<void> {
  process.stdout.write(`$ berth ${words.join(' ')}\n`);
  const child = spawn(join(home, 'bin/berth'), [...words], {
    cwd: directory,
    env: environment,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const code = await new Promise((done, failed) => child.once('error', failed).once('exit', done));
  if (code === 0) return;
  console.error(`demo: berth ${words[0]} answered ${String(code)}, expected 0`);
  process.exitCode = 1;
}
