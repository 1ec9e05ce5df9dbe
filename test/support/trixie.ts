import { execFile, execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { debianRoot } from './debian-root.ts';

/** A program that has ended. */
export interface TrixieRan {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program of Debian trixie with the environment that is given, and no more. */
export type TrixieProgram = (
  words: readonly string[],
  environment: NodeJS.ProcessEnv,
  directory?: string,
) => Promise<TrixieRan>;

const scripts = resolve(import.meta.dirname, '../../scripts');
const LOADERS: Readonly<Record<string, string>> = {
  x64: 'usr/lib64/ld-linux-x86-64.so.2',
  arm64: 'usr/lib/ld-linux-aarch64.so.1',
};
const LIBRARIES: Readonly<Record<string, string>> = {
  x64: 'usr/lib/x86_64-linux-gnu',
  arm64: 'usr/lib/aarch64-linux-gnu',
};

/**
 * A program of trixie's systemd 257, to work offline on a tree (`--root=`). It can write nowhere but into
 * `tree`: systemd-tmpfiles, for one, follows a link in the tree to a file of the machine.
 *
 * @param path below `/usr`: `bin/systemctl`
 * @returns what the program writes to its standard output and error.
 */
export function trixieSystemd(
  path: string,
  options: readonly string[],
  { tree, environment = {} }: { tree: string; environment?: NodeJS.ProcessEnv },
): string {
  const program = join(debianRoot('trixie'), 'usr', path);
  const words = ['--mount', '--propagation', 'private', 'sh', '-ec', alone, tree];
  const env = { PATH: process.env['PATH'], ...environment };
  return execFileSync('unshare', [...words, ...trixieLoader(), program, ...options], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
  });
}

const alone =
  'mount --bind "$0" "$0"; mount -o remount,bind,ro /; mount -t tmpfs run /run; cd "$0"; exec "$@" 2>&1';

/** The command of trixie's podman 5.4.2, for what needs no other programs. */
export function trixiePodman(): readonly string[] {
  const home = execFileSync(join(scripts, 'trixie-package.sh'), ['podman'], { encoding: 'utf8' });
  return [...trixieLoader(), join(home.trim(), 'usr/bin/podman')];
}

/** The words before a program of trixie that make it find trixie's libraries. */
export function trixieLoader(...more: readonly string[]): readonly string[] {
  const root = debianRoot('trixie');
  const libraries = join(root, LIBRARIES[process.arch] ?? '');
  const path = [libraries, join(libraries, 'systemd'), ...more].join(':');
  return [join(root, LOADERS[process.arch] ?? ''), '--library-path', path];
}

/** Where the program of a package is. */
const PROGRAMS = {
  skopeo: 'usr/bin/skopeo',
  cosign: 'usr/bin/cosign',
  'docker-cli': 'usr/bin/docker',
  'docker-compose': 'usr/libexec/docker/cli-plugins/docker-compose',
  kubectl: 'usr/bin/kubectl',
} as const;

/**
 * A program that Debian trixie ships, with the libraries that it was built for: skopeo 1.18, cosign
 * 2.5, docker 26.1, docker-compose 2.26, kubectl 1.32. The machine's own of that name, if any, is another.
 */
export function trixieProgram(name: keyof typeof PROGRAMS): TrixieProgram {
  const program = trixieProgramPath(name);
  const root = debianRoot('trixie');
  const loader = join(root, LOADERS[process.arch] ?? '');
  const libraries = ['--library-path', join(root, LIBRARIES[process.arch] ?? '')];
  return (words, environment, cwd) =>
    new Promise((done, fail) => {
      const options = { env: environment, cwd, maxBuffer: 16 * 1024 * 1024 };
      execFile(loader, [...libraries, program, ...words], options, (error, stdout, stderr) => {
        if (error !== null && typeof error.code !== 'number') fail(error);
        else done({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      });
    });
}

/** Where a program that Debian trixie ships lies on this machine. */
export function trixieProgramPath(name: keyof typeof PROGRAMS): string {
  const home = execFileSync(join(scripts, 'trixie-package.sh'), [name], { encoding: 'utf8' });
  return join(home.trim(), PROGRAMS[name]);
}
