import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Releases of Debian; scripts/debian-root.sh says which podman and systemd each has. */
export type Suite = 'bookworm' | 'trixie' | 'forky';

const script = fileURLToPath(new URL('../../scripts/debian-root.sh', import.meta.url));

/** What containers need on a host that shares the machine's cgroups, in which it may not make its own. */
export const containerSettings: Readonly<Record<string, string>> = {
  'etc/containers/containers.conf':
    '[containers]\ncgroups = "disabled"\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n',
  'etc/containers/policy.json': '{"default":[{"type":"insecureAcceptAnything"}]}',
  'etc/hosts': '127.0.0.1 localhost\n',
};

/** The root of a Debian release, made once for every test, which copy it. */
export function debianRoot(suite: Suite): string {
  return execFileSync(script, [suite], { encoding: 'utf8' }).trim();
}

const isArm = process.arch === 'arm64';
const loader = isArm ? 'usr/lib/ld-linux-aarch64.so.1' : 'usr/lib64/ld-linux-x86-64.so.2';

/** The directory in `/usr/lib` where Debian keeps the libraries of this machine's architecture. */
export const libraryDirectory = isArm ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';

/** The words before a program that make it find the libraries of a Debian release, and others. */
export function debianLoader(suite: Suite, more: readonly string[] = []): readonly string[] {
  const at = join(debianRoot(suite), 'usr/lib', libraryDirectory);
  const path = [at, join(at, 'systemd'), ...more].join(':');
  return [join(debianRoot(suite), loader), '--library-path', path];
}

/** Where a package of a Debian release lies unpacked, fetched once for every test. */
export function debianPackage(suite: Suite, name: string): string {
  const script = fileURLToPath(new URL('../../scripts/debian-package.sh', import.meta.url));
  return execFileSync(script, [suite, name], { encoding: 'utf8' }).trim();
}

/**
 * The words that start a program of a Debian release on this machine, with the loader and libraries of its
 * release; the last word is the program.
 */
export function debianProgram(suite: Suite, program: string): readonly string[] {
  const root = debianRoot(suite);
  const directory = ['usr/bin', 'usr/sbin'].find((each) => existsSync(join(root, each, program)));
  return [...debianLoader(suite), join(root, directory ?? 'usr/bin', program)];
}

/**
 * What a program of a Debian release prints for `--help`, behind other words; undefined if the release
 * does not have the program. It runs on this machine, with the loader and libraries of its release.
 */
export function debianHelp(
  suite: Suite,
  program: string,
  words: readonly string[] = [],
): string | undefined {
  const [first = '', ...start] = debianProgram(suite, program);
  if (!existsSync(start.at(-1) ?? '')) return undefined;
  const own = mkdtempSync(join(tmpdir(), 'berth-help-'));
  try {
    const { stdout, stderr, error } = spawnSync(first, [...start, ...words, '--help'], {
      encoding: 'utf8',
      env: { ...ownStore(own), PATH: '/nowhere', LC_ALL: 'C' },
    });
    if (error) throw error;
    return stdout === '' ? stderr : stdout;
  } finally {
    rmSync(own, { recursive: true });
  }
}

/**
 * The environment in which podman has a store of its own: even for its help podman makes one, and writes
 * into it how containers reach the network.
 */
export function ownStore(directory: string): NodeJS.ProcessEnv {
  const storage = join(directory, 'storage.conf');
  const [graphroot, runroot] = [join(directory, 'store'), join(directory, 'store-run')];
  const lines = [
    '[storage]',
    'driver = "vfs"',
    `graphroot = "${graphroot}"`,
    `runroot = "${runroot}"`,
  ];
  writeFileSync(storage, `${lines.join('\n')}\n`);
  return { HOME: join(directory, 'home'), CONTAINERS_STORAGE_CONF: storage };
}
