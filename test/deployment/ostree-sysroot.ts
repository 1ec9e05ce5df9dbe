import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { readOstree } from '../../src/deployment/ostree.ts';
import type { Places } from '../../src/deployment/places.ts';
import { writeRoot } from '../support/berth.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** A sysroot that the real ostree makes, without a host that runs. */
export interface Sysroot {
  readonly places: Places;
  readonly ostree: (...words: string[]) => string;
  /** Why ostree refuses this, if it does. */
  readonly refused: (...words: string[]) => string | undefined;
  /** Commits a tree with these files below `usr/etc` and deploys it; returns `checksum.serial`. */
  readonly deploy: (etc: Readonly<Record<string, string>>, ...more: string[]) => string;
  readonly commit: (branch: string, etc: Readonly<Record<string, string>>) => string;
  readonly tree: (id: string) => string;
}

export function makeSysroot(t: TestContext): Sysroot {
  const directory = temporaryDirectory(t);
  const sysroot = join(directory, 'sysroot');
  const run = join(directory, 'run');
  mkdirSync(sysroot);
  mkdirSync(run);
  const run_ = (words: readonly string[]) =>
    spawnSync('ostree', words, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      // Else the test could not remove the deployments again.
      env: { ...process.env, OSTREE_SYSROOT_DEBUG: 'mutable-deployments' },
    });
  const ostree = (...words: string[]) => {
    const { status, stdout, stderr } = run_(words);
    assert.equal(status, 0, `ostree ${words.join(' ')}: ${stderr}`);
    return stdout.trim();
  };
  const refused = (...words: string[]) => {
    const { status, stderr } = run_([...words, `--sysroot=${sysroot}`]);
    return status === 0 ? undefined : stderr;
  };
  ostree('admin', 'init-fs', sysroot);
  ostree('admin', 'os-init', 'acme', `--sysroot=${sysroot}`);
  let count = 0;
  const commit = (branch: string, etc: Readonly<Record<string, string>>) => {
    const tree = join(directory, `tree${count++}`);
    const below = Object.entries(etc).map(([path, content]) => [`usr/etc/${path}`, content]);
    writeRoot(tree, {
      'usr/etc/os-release': 'ID=acme\n',
      'usr/lib/os-release': 'ID=acme\n',
      'usr/lib/modules/6.1/vmlinuz': 'kernel',
      'usr/lib/modules/6.1/initramfs.img': 'initramfs',
      'var/x': '',
      'sysroot/x': '',
      ...Object.fromEntries(below),
    });
    rmSync(join(tree, 'var/x'));
    rmSync(join(tree, 'sysroot/x'));
    symlinkSync('sysroot/ostree', join(tree, 'ostree'));
    const words = ['--no-xattrs', '--owner-uid=0', '--owner-gid=0', `--tree=dir=${tree}`];
    return ostree('commit', `--repo=${sysroot}/ostree/repo`, `--branch=${branch}`, ...words);
  };
  return {
    places: { root: directory, sysroot, boot: join(sysroot, 'boot'), run, mountinfo: '/dev/null' },
    ostree,
    refused,
    commit,
    deploy: (etc, ...more) => {
      const checksum = commit(`acme/v${count}`, { ...etc, version: String(count) });
      ostree('admin', 'deploy', '--os=acme', `--sysroot=${sysroot}`, ...more, checksum);
      return `${checksum}.0`;
    },
    tree: (id) => join(sysroot, 'ostree/deploy/acme/deploy', id),
  };
}

/** Makes one of the deployments the one that runs, as its device and inode tell. */
export function bootedAs({ places, tree }: Sysroot, id: string): Places {
  writeFileSync(join(places.run, 'ostree-booted'), '');
  return { ...places, root: tree(id) };
}

/** The roles of all deployments, by id. */
export const roles = (places: Places) =>
  Object.fromEntries((readOstree(places) ?? []).map(({ id, role }) => [id, role]));
