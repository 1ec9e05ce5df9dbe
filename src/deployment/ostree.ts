import { hash } from 'node:crypto';
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { BerthError, systemErrorCode } from '../common/errors.ts';
import { isRootId } from '../common/roots.ts';
import { type Root, RootError } from '../root/root.ts';
import { bootOrder } from './boot-entries.ts';
import { bootedMarker, dictionary, MAX_STATE, type Marker, opened } from './booted-marker.ts';
import { type Checkout, directoryOf, everyCheckout, isId, pathOf } from './checkout.ts';
import type { Deployment, Role } from './deployment.ts';
import { cantTell } from './failure.ts';
import { textOf, type Variant } from './gvariant.ts';
import { openUnbooted } from './open-deployment.ts';
import { openTree } from './open-tree.ts';
import { readOrigin } from './origin.ts';
import type { Places } from './places.ts';

/**
 * The deployments of an ostree sysroot, read in the same way as by libostree. Needs no ostree program.
 *
 * Source: libostree's ostree-sysroot.c (boot entries lead to deployments; the booted deployment has
 * the device and inode of `/`), and the files that `ostree admin` writes.
 *
 * @returns undefined if the running system was not booted from an ostree deployment.
 * @throws {BerthError} `deployments` if it was, and the sysroot can't be read.
 */
export function readOstree(places: Places): readonly Deployment[] | undefined {
  return inSysroot(places, (found) => {
    const { sysroot, checkouts, booted } = found;
    using boot = opened(places.boot);
    using run = opened(places.run);
    const queue = bootOrder(boot.root, sysroot);
    const staged = stagedCheckout(run.root);
    if (!queue.some((checkout) => directoryOf(checkout) === directoryOf(booted))) {
      throw cantTell(
        'ostree',
        `expected an entry in ${places.boot}/loader/entries for the running root, found none`,
        'see that /boot is mounted; look at `ostree admin status`',
      );
    }
    // A checkout that no entry leads to is the rest of a removed deployment, until the next cleanup.
    const living = new Set([...queue, ...(staged ? [staged.target] : [])].map(directoryOf));
    const all = checkouts.filter((checkout) => living.has(directoryOf(checkout)));
    const roles = rolesOf(all, queue, booted, staged?.target);
    return all.map((checkout) => {
      const role = roles.get(directoryOf(checkout));
      return deploymentOf(found, checkout, role, staged);
    });
  });
}

/**
 * The booted deployment only. Needs no `/boot`, which may be mounted later in the boot.
 *
 * @returns undefined if the running system was not booted from an ostree deployment.
 * @throws {BerthError} as `readOstree` does.
 */
export function readBootedOstree(places: Places): Deployment | undefined {
  return inSysroot(places, (found) => deploymentOf(found, found.booted, 'booted', undefined));
}

interface Sysroot {
  readonly places: Places;
  readonly sysroot: Root;
  readonly checkouts: readonly Checkout[];
  readonly booted: Checkout;
}

function inSysroot<T>(places: Places, read: (sysroot: Sysroot) => T): T | undefined {
  try {
    const marker = bootedMarker(places);
    if (marker === undefined) return undefined;
    using sysroot = opened(places.sysroot);
    const checkouts = everyCheckout(sysroot.root);
    const booted = checkouts.find((checkout) => isBooted(places, checkout, marker));
    if (booted === undefined) {
      throw cantTell(
        'ostree',
        `expected one of the deployments in ${places.sysroot} to be the running root, found none of ${checkouts.length}`,
        'look at `ostree admin status`',
      );
    }
    return read({ places, sysroot: sysroot.root, checkouts, booted });
  } catch (error) {
    if (error instanceof RootError) throw cantTell('ostree', error.message, error.hint, error);
    if (error instanceof BerthError || systemErrorCode(error) === undefined) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw cantTell('ostree', reason, 'look at `ostree admin status`', error);
  }
}

function deploymentOf(
  { places, sysroot, checkouts, booted }: Sysroot,
  checkout: Checkout,
  role: Role | undefined,
  staged: StagedMarker | undefined,
): Deployment {
  const id = uniqueId(checkout, checkouts);
  const origin = readOrigin(sysroot, `${directoryOf(checkout)}.origin`);
  const location = pathOf(places, checkout);
  const isStaged = staged !== undefined && directoryOf(staged.target) === directoryOf(checkout);
  return {
    id,
    updater: 'ostree',
    role: role ?? (origin.pinned ? 'pinned' : 'other'),
    pinned: origin.pinned,
    ...(role === 'staged' && !isStaged ? { finalised: true } : {}),
    location,
    ...(origin.image === undefined ? {} : { image: { name: origin.image } }),
    open: async () =>
      role === 'booted'
        ? openTree(id, places.root)
        : openUnbooted({
            id,
            location,
            var: varOf(places, checkout, booted),
            ...(isStaged ? { staged: { from: staged.merge && pathOf(places, staged.merge) } } : {}),
          }),
  };
}

/**
 * The `/var` of a deployment. All deployments of a stateroot share one. The running stateroot's is
 * mounted at `/var`, perhaps from a separate disk.
 */
function varOf({ root, sysroot }: Places, { stateroot }: Checkout, booted: Checkout): string {
  if (stateroot === booted.stateroot) return join(root, 'var');
  return join(sysroot, 'ostree/deploy', stateroot, 'var');
}

/**
 * The id of a checkout. If two stateroots have deployments of the same commit, the ids of both include
 * the stateroot, whichever is booted.
 */
function uniqueId({ id, stateroot }: Checkout, checkouts: readonly Checkout[]): string {
  const isShared = checkouts.some((other) => other.id === id && other.stateroot !== stateroot);
  if (!isShared) return id;
  const unique = `${id}@${stateroot.replace(/[^A-Za-z0-9._+-]/g, '_')}`;
  // A stateroot's name may have 255 bytes, more than an id may have: its hash stands in for it then.
  return isRootId(unique) ? unique : `${id}@${hash('sha256', stateroot).slice(0, 12)}`;
}

function isBooted(places: Places, checkout: Checkout, { dev, ino }: Marker): boolean {
  const path = pathOf(places, checkout);
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stats?.dev === dev && stats.ino === ino;
}

interface StagedMarker {
  readonly target: Checkout;
  /** The deployment whose local changes of /etc will be merged. */
  readonly merge: Checkout | undefined;
}

/** Reads the marker that `ostree admin deploy --stage` leaves until the host goes down. */
function stagedCheckout(run: Root): StagedMarker | undefined {
  const path = '/ostree/staged-deployment';
  const content = run.readFile(path, MAX_STATE)?.content;
  if (content === undefined) return undefined;
  const fields = dictionary(path, content);
  const target = checkoutIn(path, fields.get('target'));
  if (target === undefined) {
    throw cantTell(
      'ostree',
      `expected /run${path} to name a deployment, found none`,
      'look at `ostree admin status`',
    );
  }
  return { target, merge: checkoutIn(path, fields.get('merge-deployment')) };
}

function checkoutIn(path: string, variant: Variant | undefined): Checkout | undefined {
  if (variant?.type !== 'a{sv}') return undefined;
  const fields = dictionary(path, variant.bytes);
  const [id = '', stateroot = '/'] = [textOf(fields.get('name')), textOf(fields.get('osname'))];
  return isId(id) && /^[^/\0]+$/.test(stateroot) && !/^\.\.?$/.test(stateroot)
    ? { stateroot, id }
    : undefined;
}

/**
 * The roles as `ostree admin status` shows them. In boot order, the first deployment before the booted
 * one is staged (ostree also says pending), and the first after it is the rollback; both only
 * within the booted stateroot.
 *
 * Source: ostree_sysroot_query_deployments_for().
 */
function rolesOf(
  all: readonly Checkout[],
  queue: readonly Checkout[],
  booted: Checkout,
  staged: Checkout | undefined,
): ReadonlyMap<string, Role> {
  const isThere = new Set(all.map(directoryOf));
  const own = queue
    .filter(({ stateroot }) => stateroot === booted.stateroot)
    .map(directoryOf)
    .filter((directory) => isThere.has(directory));
  const at = own.indexOf(directoryOf(booted));
  const next = staged === undefined ? own.slice(0, at)[0] : directoryOf(staged);
  const rollback = own[at + 1];
  const roles = new Map<string, Role>();
  if (rollback !== undefined) roles.set(rollback, 'rollback');
  if (next !== undefined) roles.set(next, 'staged');
  roles.set(directoryOf(booted), 'booted');
  return roles;
}
