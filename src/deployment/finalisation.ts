import { existsSync, lstatSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BerthError, systemErrorCode } from '../common/errors.ts';
import { cantTell } from './failure.ts';
import type { Places } from './places.ts';

/**
 * The mechanism that finalises a queued root when the host goes down. `ostree` can be locked.
 * For `composefs` berth knows no way to keep the root from being booted.
 */
export type Finalisation = 'ostree' | 'composefs';

/** The mechanism that will finalise a root at shutdown; undefined if no root is queued. */
export function queuedBy({ run }: Places): Finalisation | undefined {
  if (existsSync(join(run, 'ostree/staged-deployment'))) return 'ostree';
  return existsSync(join(run, 'composefs/staged-deployment')) ? 'composefs' : undefined;
}

/**
 * Whether a soft reboot would enter a prepared root, finalised or not: `/run/nextroot` has to be an OS tree
 * (systemd-soft-reboot.service(8)). After a soft reboot an empty directory is left there.
 */
export function hasNextRoot({ run }: Places): boolean {
  return ['etc', 'usr/lib'].some(
    (directory) =>
      lstatSync(join(run, 'nextroot', directory, 'os-release'), { throwIfNoEntry: false }) !==
      undefined,
  );
}

/** The content of berth's own lock file. Locks of updaters are empty. */
const OWN = 'berth gate\n';

/**
 * Keeps ostree from finalising the queued root, until the lock is removed or another root is queued.
 * An existing lock stays as it is.
 *
 * Source: libostree's ostree-sysroot-deploy.c, since 2019. `ostree admin lock-finalization` (2023.8) has the same
 * effect by a flag in the note about the queued root, which has no owner (docs/interfaces.md).
 *
 * @throws {BerthError} `deployments`
 */
export function lockFinalisation({ run }: Places): void {
  try {
    writeFileSync(lockPath(run), OWN, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw lockFailure(error);
  }
}

/**
 * Removes berth's own lock. A lock of an updater stays.
 *
 * @throws {BerthError} `deployments`
 */
export function unlockFinalisation({ run }: Places): void {
  const path = lockPath(run);
  try {
    if (readFileSync(path, 'utf8') === OWN) rmSync(path);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw lockFailure(error);
  }
}

function lockFailure(error: unknown): BerthError {
  const reason = error instanceof Error ? error.message : String(error);
  return cantTell('ostree', `the queued root can't be held: ${reason}`, 'run it as root', error);
}

function lockPath(run: string): string {
  return join(run, 'ostree/staged-deployment-locked');
}
