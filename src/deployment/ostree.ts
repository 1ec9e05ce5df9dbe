import { lstatSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { BerthError } from '../errors.ts';
import { openRoot } from '../root/open-root.ts';
import type { Root } from '../root/root.ts';
import type { Deployment, Role } from './deployment.ts';
import { cantTell } from './failure.ts';
import { pairOf, readDictionary, textOf, type Variant } from './gvariant.ts';
import { openStaged } from './merged-etc.ts';
import { openTree } from './open-tree.ts';
import { readOrigin } from './origin.ts';
import type { Places } from './places.ts';

/** A deployment as it lies on disk. */
interface Checkout {
  readonly stateroot: string;
  /** `checksum.serial`. */
  readonly id: string;
}

/**
 * The deployments of an ostree sysroot, read as libostree reads them; no ostree program is needed.
 *
 * Source: libostree's ostree-sysroot.c (boot entries lead to deployments; the booted one is that
 * whose device and inode are those of `/`), and what `ostree admin` writes.
 *
 * @returns undefined if the running system was not booted from an ostree deployment.
 * @param asked with `booted`, boot entries may be missing: early at boot /boot is not there yet.
 * @throws {BerthError} `deployments` if it was, and the sysroot can't be read.
 */
export function readOstree(
  places: Places,
  asked: 'all' | 'booted' = 'all',
): readonly Deployment[] | undefined {
  const marker = bootedMarker(places);
  if (marker === undefined) return undefined;
  using sysroot = opened(places.sysroot);
  using boot = opened(places.boot);
  using run = opened(places.run);
  const queue = bootOrder(boot.root, sysroot.root);
  const staged = stagedCheckout(run.root);
  const checkouts = everyCheckout(sysroot.root);
  const booted = checkouts.find((checkout) => isBooted(places, checkout, marker));
  if (booted === undefined) {
    throw cantTell(
      'ostree',
      `expected one of the deployments in ${places.sysroot} to be the running root, found none of ${checkouts.length}`,
      'look at `ostree admin status`',
    );
  }
  if (asked === 'all' && queue.length === 0) {
    throw cantTell(
      'ostree',
      `expected boot entries of deployments in ${join(places.boot, 'loader/entries')}, found none`,
      'see that /boot is mounted',
    );
  }
  // A checkout that nothing leads to is what is left of a deployment: the next cleanup takes it.
  const queued = [booted, ...queue, ...(staged === undefined ? [] : [staged.target])];
  const living = new Set(queued.map(directoryOf));
  const all = checkouts.filter((checkout) => living.has(directoryOf(checkout)));
  const roles = rolesOf(all, queue, booted, staged?.target);
  return all.map((checkout) => {
    const directory = directoryOf(checkout);
    const id = uniqueId(checkout, all, booted);
    const origin = readOrigin(sysroot.root, `${directory}.origin`);
    const location = pathOf(places, checkout);
    const role = roles.get(directory) ?? (origin.pinned ? 'pinned' : 'other');
    const isStaged = staged !== undefined && directoryOf(staged.target) === directory;
    return {
      id,
      updater: 'ostree',
      role,
      pinned: origin.pinned,
      location,
      ...(origin.image === undefined ? {} : { image: { name: origin.image } }),
      open: async () =>
        isStaged
          ? openStaged(id, location, staged.merge && pathOf(places, staged.merge))
          : openTree(id, location),
    };
  });
}

/** Two stateroots may have a deployment of one commit: but for the running OS's it says whose. */
function uniqueId(checkout: Checkout, all: readonly Checkout[], booted: Checkout): string {
  const { id, stateroot } = checkout;
  const isShared = all.some((other) => other.id === id && other.stateroot !== stateroot);
  if (!isShared || stateroot === booted.stateroot) return id;
  return `${id}@${stateroot.replace(/[^A-Za-z0-9._+-]/g, '_')}`;
}

interface Opened extends Disposable {
  readonly root: Root;
}

function opened(path: string): Opened {
  try {
    const root = openRoot(path);
    return { root, [Symbol.dispose]: () => root.close() };
  } catch (error) {
    if (!(error instanceof BerthError)) throw error;
    throw cantTell('ostree', error.message, 'see that it is mounted and can be read', error);
  }
}

/** What tells the booted deployment: device and inode of `/`, or those that it says instead. */
interface Marker {
  readonly dev: bigint;
  readonly ino: bigint;
}

/** `/run/ostree-booted`; with composefs `/` is no deployment, and the file says which one it shows. */
function bootedMarker({ run, root }: Places): Marker | undefined {
  const path = join(run, 'ostree-booted');
  if (statOf(path) === undefined) return undefined;
  using opened_ = opened(run);
  const content = opened_.root.readFile('/ostree-booted', MAX_STATE)?.content ?? Buffer.alloc(0);
  const pair = pairOf(dictionary(path, content).get('backing-root-device-inode'));
  if (pair !== undefined) return { dev: pair[0], ino: pair[1] };
  const { dev, ino } = statSync(root, { bigint: true });
  return { dev, ino };
}

const MAX_STATE = 1024 * 1024;

function dictionary(path: string, bytes: Buffer): ReadonlyMap<string, Variant> {
  try {
    return readDictionary(bytes);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw cantTell('ostree', `${path}: ${error.message}`, 'look at `ostree admin status`', error);
  }
}

function isBooted(places: Places, checkout: Checkout, { dev, ino }: Marker): boolean {
  const path = pathOf(places, checkout);
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stats?.dev === dev && stats.ino === ino;
}

function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

/** In the tree of the sysroot. */
function directoryOf({ stateroot, id }: Checkout): string {
  return `/ostree/deploy/${stateroot}/deploy/${id}`;
}

function pathOf({ sysroot }: Places, checkout: Checkout): string {
  return join(sysroot, directoryOf(checkout));
}

function everyCheckout(sysroot: Root): readonly Checkout[] {
  const stateroots = sysroot.list('/ostree/deploy') ?? [];
  return stateroots
    .filter(({ kind }) => kind === 'directory')
    .flatMap(({ name: stateroot }) =>
      (sysroot.list(`/ostree/deploy/${stateroot}/deploy`) ?? [])
        .filter(({ name, kind }) => kind === 'directory' && isId(name))
        .map(({ name: id }) => ({ stateroot, id })),
    );
}

function isId(name: string): boolean {
  return /^[0-9a-f]{64}\.\d{1,9}$/.test(name);
}

/** The deployments that boot entries lead to, the one that boots first first. */
function bootOrder(boot: Root, sysroot: Root): readonly Checkout[] {
  const entries = (boot.list('/loader/entries') ?? [])
    .filter(({ name }) => /^ostree-.*\.conf$/.test(name))
    .flatMap(({ name }) => {
      const text = boot.readFile(`/loader/entries/${name}`)?.content.toString('utf8') ?? '';
      const checkout = bootedBy(text, sysroot);
      const version = Number(/^version\s+(\d{1,9})\s*$/m.exec(text)?.[1] ?? numberIn(name));
      return checkout === undefined ? [] : [{ checkout, version }];
    });
  return entries.sort((a, b) => b.version - a.version).map(({ checkout }) => checkout);
}

/** Of `ostree-2-acme.conf`, or `ostree-2.conf`. */
function numberIn(name: string): string {
  return /^ostree-(\d{1,9})\b/.exec(name)?.[1] ?? '0';
}

function bootedBy(entry: string, sysroot: Root): Checkout | undefined {
  const options = /^options\s+(.*)$/m.exec(entry)?.[1] ?? '';
  const link = /(?:^|\s)ostree=(\/\S+)/.exec(options)?.[1];
  const found = link === undefined ? undefined : sysroot.lookup(link);
  const parts = /^\/ostree\/deploy\/([^/]+)\/deploy\/([^/]+)$/.exec(found?.realPath ?? '');
  const [, stateroot = '', id = ''] = parts ?? [];
  return isId(id) ? { stateroot, id } : undefined;
}

interface StagedMarker {
  readonly target: Checkout;
  /** From which the local changes of /etc are taken over. */
  readonly merge: Checkout | undefined;
}

/** The marker that `ostree admin deploy --stage` leaves until the host goes down. */
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
 * Staged is what the host boots next: by ostree's marker, else the first boot entry before the
 * booted one, if one behind it is left to roll back to. Rollback is the one behind the booted, or
 * before it when a rollback is queued.
 */
function rolesOf(
  all: readonly Checkout[],
  queue: readonly Checkout[],
  booted: Checkout,
  staged: Checkout | undefined,
): ReadonlyMap<string, Role> {
  const isThere = new Set(all.map(directoryOf));
  const own = queue.filter(
    (checkout) => checkout.stateroot === booted.stateroot && isThere.has(directoryOf(checkout)),
  );
  const is = (one: Checkout | undefined, other: Checkout) =>
    one !== undefined && directoryOf(one) === directoryOf(other);
  const at = own.findIndex((checkout) => is(booted, checkout));
  const behind = at === -1 ? undefined : own[at + 1];
  const before = own.slice(0, Math.max(at, 0)).find((checkout) => !is(staged, checkout));
  const rollback = behind ?? before;
  const next = staged ?? (behind === undefined ? undefined : before);
  const roles = new Map<string, Role>();
  if (rollback !== undefined) roles.set(directoryOf(rollback), 'rollback');
  if (next !== undefined) roles.set(directoryOf(next), 'staged');
  roles.set(directoryOf(booted), 'booted');
  return roles;
}
