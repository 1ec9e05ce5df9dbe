import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { writeRoot } from './berth.ts';
import { containerSettings, debianRoot } from './debian-root.ts';
import { install } from './installed.ts';
import { bootByNspawn } from './nspawn.ts';

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A test, or whatever else calls what is left to do at its end. */
export interface Ended {
  readonly after: (end: () => Promise<void>) => void;
}

/** A host that is up. */
export interface Booted {
  /** The deployment that runs: `checksum.serial`. */
  readonly id: string;
  /** The process id of its systemd, as this machine counts. */
  readonly leader: number;
  /** Runs a command in it. */
  readonly try: (...command: readonly string[]) => Ran;
  /** As `try`, and throws if it fails; what it printed, trimmed. */
  readonly run: (...command: readonly string[]) => string;
  /** The end that it comes to by itself, as by a reboot. */
  readonly ended: () => Promise<void>;
  /** The orderly end, with the finalisation of what is staged. */
  readonly powerOff: () => Promise<void>;
  /** The sudden end of every process in it. */
  readonly kill: () => Promise<void>;
}

/** A machine with a real ostree sysroot, whose deployments are booted by systemd-nspawn. */
export interface OstreeHost {
  readonly directory: string;
  /**
   * Commits the OS with these files added: paths below `/`, with `usr/etc` for `/etc`. A branch has a
   * slash in its name, or ostree takes it for the start of a checksum.
   */
  readonly commit: (
    branch: string,
    files: Readonly<Record<string, string>>,
    /** Does more to the tree that is laid over the OS. */
    change?: (tree: string) => void,
  ) => string;
  /** Makes a commit what is booted next, without a host that runs. */
  readonly deploy: (branch: string) => void;
  /** Boots the first boot entry, or the deployment with this id. */
  readonly boot: (id?: string) => Promise<Booted>;
  /** The deployments that can be booted, the one that is first. */
  readonly bootable: () => readonly string[];
  /** The stateroot's /var. */
  readonly var: string;
}

export interface OstreeHostOptions {
  /** Whether `make install` put berth into every OS of the host. */
  readonly berth: boolean;
  /** Variables for systemd-nspawn, in addition to those of this process. */
  readonly environment?: NodeJS.ProcessEnv;
}

/** What every test host has beside Debian's packages. */
const settings: Readonly<Record<string, string>> = {
  ...containerSettings,
  // As ostree-prepare-root makes it in the initramfs, which this host has none of.
  'usr/lib/tmpfiles.d/ostree-booted.conf': 'f /run/ostree-booted 0644 root root -\n',
  'usr/lib/modules/6.1/vmlinuz': 'kernel\n',
  'usr/lib/modules/6.1/initramfs.img': 'initramfs\n',
};

export function makeOstreeHost(t: Ended, { berth, environment }: OstreeHostOptions): OstreeHost {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'berth-host-')));
  const stops: (() => Promise<void>)[] = [];
  t.after(async () => {
    for (const stop of stops) await stop();
    // ostree makes the directories of deployments immutable.
    run('chattr', ['-R', '-f', '-i', join(directory, 'sysroot/ostree/deploy')], true);
    rmSync(directory, { recursive: true, force: true });
  });
  const sysroot = join(directory, 'sysroot');
  const repo = join(sysroot, 'ostree/repo');
  mkdirSync(sysroot);
  run('ostree', ['admin', 'init-fs', sysroot]);
  run('ostree', ['admin', 'os-init', 'acme', `--sysroot=${sysroot}`]);
  // A test that loses its files loses nothing.
  run('ostree', ['config', `--repo=${repo}`, 'set', 'core.fsync', 'false']);
  run('ostree', ['pull-local', `--repo=${repo}`, baseRepo(), 'base']);
  if (berth) commitTree(repo, 'base', installedTree(directory));
  return {
    directory,
    var: join(sysroot, 'ostree/deploy/acme/var'),
    commit: (branch, files, change) => {
      const tree = writeRoot(temporaryTree(directory), files);
      change?.(tree);
      return commitTree(repo, branch, tree);
    },
    deploy: (branch) => {
      run('ostree', ['admin', 'deploy', '--os=acme', `--sysroot=${sysroot}`, branch]);
    },
    boot: (id) => bootDeployment(stops, sysroot, id, environment),
    bootable: () => bootTrees(sysroot).map(idOf),
  };
}

/** Its mode becomes that of the OS's `/`. */
function temporaryTree(directory: string): string {
  const tree = mkdtempSync(join(directory, 'tree-'));
  chmodSync(tree, 0o755);
  return tree;
}

/** Commits the branch `base` with a tree laid over it. */
function commitTree(repo: string, branch: string, tree: string): string {
  // With what changes owners or attributes, ostree would read and write all of `base` again.
  const trees = ['--tree=ref=base', `--tree=dir=${tree}`];
  return run('ostree', ['commit', `--repo=${repo}`, `--branch=${branch}`, ...trees]).trim();
}

/** What `make install` and `systemctl preset` leave, as a distribution's build would. */
function installedTree(directory: string): string {
  const tree = join(directory, 'installed');
  install(tree);
  run('systemctl', [
    `--root=${tree}`,
    'preset',
    ...readdirSync(join(tree, 'usr/lib/systemd/system')).filter((name) => !name.endsWith('.d')),
  ]);
  renameSync(join(tree, 'etc'), join(tree, 'usr/etc'));
  return tree;
}

/** A repository with Debian's OS in the branch `base`, made once for every test. */
function baseRepo(): string {
  const root = debianRoot('trixie');
  const key = createHash('sha256').update(JSON.stringify(settings)).digest('hex').slice(0, 12);
  const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'berth-test');
  const repo = join(cache, `ostree-base-${key}`);
  if (existsSync(repo)) return repo;
  const work = mkdtempSync(join(cache, 'ostree-base.'));
  const tree = join(work, 'tree');
  run('cp', ['-a', '--reflink=auto', root, tree]);
  for (const name of ['dev', 'var', 'boot', 'run', 'tmp', 'sysroot']) {
    rmSync(join(tree, name), { recursive: true, force: true });
    mkdirSync(join(tree, name));
  }
  symlinkSync('sysroot/ostree', join(tree, 'ostree'));
  for (const [path, content] of Object.entries(settings)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), content);
  }
  renameSync(join(tree, 'etc'), join(tree, 'usr/etc'));
  const made = join(work, 'repo');
  run('ostree', ['init', `--repo=${made}`, '--mode=bare']);
  run('ostree', ['commit', `--repo=${made}`, '--branch=base', `--tree=dir=${tree}`, '--no-xattrs']);
  try {
    renameSync(made, repo);
  } catch (error) {
    // Another run may have come first.
    if (!existsSync(repo)) throw error;
  }
  rmSync(work, { recursive: true, force: true });
  return repo;
}

async function bootDeployment(
  stops: (() => Promise<void>)[],
  sysroot: string,
  id: string | undefined,
  environment: NodeJS.ProcessEnv | undefined,
): Promise<Booted> {
  const tree = bootTrees(sysroot).find((path) => id === undefined || idOf(path) === id);
  if (tree === undefined) throw new Error(`${sysroot} has no boot entry for ${id}`);
  const { leader, ended, kill } = await bootByNspawn(
    `berth-${process.pid}`,
    [
      `--directory=${tree}`,
      `--bind=${sysroot}:/sysroot`,
      `--bind=${join(sysroot, 'boot')}:/boot`,
      `--bind=${join(sysroot, 'ostree/deploy/acme/var')}:/var`,
    ],
    (stop) => stops.push(stop),
    environment,
  );
  const tryRun: Booted['try'] = (...command) =>
    attempt('nsenter', ['-t', String(leader), '-a', '--', ...command]);
  tryRun('systemctl', 'is-system-running', '--wait');
  return {
    id: idOf(tree),
    leader,
    try: tryRun,
    run: (...command) => {
      const { code, stdout, stderr } = tryRun(...command);
      if (code !== 0) {
        // A unit that fails says why in the journal only.
        const journal = tryRun('journalctl', '--no-pager', '-n', '30', '-o', 'cat').stdout;
        throw new Error(`${command.join(' ')} exited with ${code}: ${stderr}\n${journal}`);
      }
      return stdout.trim();
    },
    ended: async () => {
      await ended;
    },
    powerOff: async () => {
      tryRun('systemctl', 'poweroff');
      await ended;
    },
    kill,
  };
}

/** The deployments that the boot loader would offer, the first one first. */
function bootTrees(sysroot: string): readonly string[] {
  const entries = join(sysroot, 'boot/loader/entries');
  return readdirSync(entries)
    .map((name) => readFileSync(join(entries, name), 'utf8'))
    .map((text) => ({
      version: Number(/^version (\d+)$/m.exec(text)?.[1]),
      link: /\bostree=\/(\S+)/.exec(text)?.[1] ?? '',
    }))
    .sort((a, b) => b.version - a.version)
    .map(({ link }) => realpathSync(join(sysroot, link)));
}

function idOf(tree: string): string {
  return tree.slice(tree.lastIndexOf('/') + 1);
}

function attempt(program: string, words: readonly string[]): Ran {
  const { status, stdout, stderr, error } = spawnSync(program, words, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error !== undefined) throw error;
  return { code: status, stdout, stderr };
}

function run(program: string, words: readonly string[], mayFail = false): string {
  try {
    return execFileSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    if (mayFail) return '';
    throw error;
  }
}
