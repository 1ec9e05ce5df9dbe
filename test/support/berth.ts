import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { TestContext } from 'node:test';
import { startRegistry, type TestRegistry } from './registry.ts';
import { temporaryDirectory } from './temporary.ts';

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A machine of the test's own: a registry, a configuration, a state directory, and berth on it. */
export interface Machine {
  readonly directory: string;
  readonly registry: TestRegistry;
  readonly environment: NodeJS.ProcessEnv;
  /** Runs another program in the same surroundings. */
  program(program: string, ...words: string[]): Promise<Outcome>;
  /** Runs the command line from the sources. */
  berth(...words: string[]): Promise<Outcome>;
  berthWith(
    options: { input?: string; fds?: readonly number[] },
    ...words: string[]
  ): Promise<Outcome>;
}

/** The command line: the sources, or the one file that scripts/run-tests makes of them. */
export const main =
  process.env['BERTH_TEST_MAIN'] ?? resolve(import.meta.dirname, '../../src/cli/main.ts');

/**
 * A machine whose engine is the embedded store unless `CONTAINER_HOST` is put into its
 * environment; names of `registry.example.com` lead to its registry.
 */
export async function startMachine(t: TestContext): Promise<Machine> {
  const directory = temporaryDirectory(t);
  const registry = await startRegistry();
  t.after(() => registry.close());
  const config = join(directory, 'home/.config/containers');
  mkdirSync(config, { recursive: true });
  writeFileSync(join(config, 'policy.json'), '{"default":[{"type":"insecureAcceptAnything"}]}');
  const registries = join(directory, 'registries.conf');
  writeFileSync(
    registries,
    `[[registry]]\nprefix = "registry.example.com"\nlocation = "${registry.host}"\ninsecure = true\n` +
      `[[registry]]\nlocation = "${registry.host}"\ninsecure = true\n`,
  );
  const environment: NodeJS.ProcessEnv = {
    PATH: process.env['PATH'],
    HOME: join(directory, 'home'),
    TMPDIR: directory,
    BERTH_STATE_DIR: join(directory, 'state'),
    CONTAINERS_REGISTRIES_CONF: registries,
    // Half of the time of a short command goes into compiling the sources (scripts/run-tests).
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
  };
  const berthWith: Machine['berthWith'] = ({ input, fds = [] }, ...words) =>
    run(environment, input, fds, [process.execPath, main, ...words]);
  return {
    directory,
    registry,
    environment,
    program: (...words) => run(environment, undefined, [], words),
    berth: (...words) => berthWith({}, ...words),
    berthWith,
  };
}

async function run(
  environment: NodeJS.ProcessEnv,
  input: string | undefined,
  fds: readonly number[],
  [program = '', ...words]: readonly string[],
): Promise<Outcome> {
  const child = spawn(program, words, {
    env: environment,
    stdio: ['pipe', 'pipe', 'pipe', ...fds],
  });
  // It may end before it has read anything.
  child.stdin?.on('error', () => undefined).end(input ?? '');
  const output = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...output };
}

/** Makes what is in the embedded store look as if another tool had copied it there. */
export function disownImages({ directory }: Machine): void {
  const path = join(directory, 'state/store/index.json');
  writeFileSync(path, readFileSync(path, 'utf8').replaceAll(/,"io\.berth\.fetched":"true"/g, ''));
}

/** Writes a root: files by their path in it; a value that begins with `-> ` makes a link. */
export function writeRoot(root: string, files: Readonly<Record<string, string>>): string {
  for (const [path, content] of Object.entries(files)) {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    if (content.startsWith('-> ')) symlinkSync(content.slice(3), file);
    else writeFileSync(file, content);
  }
  return root;
}

/** A `.container` unit in the place where distributions put them. */
export function container(name: string, image: string, more = ''): Record<string, string> {
  return {
    [`usr/share/containers/systemd/${name}.container`]: `[Container]\nImage=${image}\n${more}`,
  };
}
