import { realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { systemErrorCode } from '../common/errors.ts';
import { isRootId } from '../common/roots.ts';
import { type Deployment, isDeploymentName } from '../deployment/deployment.ts';
import { parseReference } from '../image/name.ts';
import { openRoot } from '../root/open-root.ts';
import { assertOsTree } from '../root/os-tree.ts';
import { type Root, RootError } from '../root/root.ts';
import { isLiving, type RootRecord } from '../state/record.ts';
import { checkedId, idOfLocation, isManual } from '../state/root-id.ts';
import { deploymentAt, deploymentCalled, deploymentWith, isCheckout } from './deployments.ts';
import { HostError } from './errors.ts';
import type { Host } from './host.ts';

/**
 * Opens ROOT, runs `work`, and closes the root in any case.
 *
 * @param spec a path, `fd:N`, `image:REF`, or a deployment's name or id; by default the booted deployment, or `/`
 *   if no updater is found.
 * @param work is also given the deployment, if ROOT is its name, its id, or the directory of an ostree deployment.
 */
export async function withRoot<T>(
  host: Host,
  spec: string | undefined,
  work: (root: Root, deployment: Deployment | undefined) => Promise<T>,
): Promise<T> {
  const called = await deploymentMeant(host, spec);
  const given = await (called?.open() ?? open(host, spec ?? '/'));
  let root = given;
  try {
    const isDirectory = called === undefined && isCheckout(given.location);
    const deployment = isDirectory ? await deploymentAt(given.location, host.deployments) : called;
    if (isDirectory && deployment !== undefined) root = await deployment.open();
    return await work(root, deployment);
  } finally {
    given.close();
    if (root !== given) root.close();
  }
}

async function deploymentMeant(
  { deployments }: Host,
  spec: string | undefined,
): Promise<Deployment | undefined> {
  if (spec === undefined) return deployments.booted();
  if (isDeploymentName(spec)) return deploymentCalled(spec, deployments);
  return isRootId(spec) && !mayBeDirectory(spec) ? deploymentWith(spec, deployments) : undefined;
}

async function open(host: Host, spec: string): Promise<Root> {
  return isImage(spec) ? host.openImage(spec) : openGiven(spec);
}

/** Opens a directory. If there is none, and the text could be an image, the hint says how to give an image. */
function openGiven(spec: string): Root {
  try {
    return openRoot(spec);
  } catch (error) {
    const image = imageMeant(spec);
    if (image === undefined || !(error instanceof RootError) || error.code !== 'no-root')
      throw error;
    const hint = `${error.hint}; an OS image is given as \`image:${image}\``;
    throw new RootError('no-root', spec, error.message, { hint, cause: error });
  }
}

/** What stands before an image's name elsewhere: in skopeo, in podman, and in origins of bootc and ostree. */
const TRANSPORTS = /^(ostree-[a-z-]+:)?(docker:\/\/|registry:)?/;

/** The image that a text names with a registry, as `quay.io/acme/os:42` does and `docker://…` before it. */
function imageMeant(spec: string): string | undefined {
  if (/^(store|oci):./.test(spec)) return spec;
  const name = spec.replace(TRANSPORTS, '');
  const [host = ''] = name.split('/');
  const hasRegistry = name.includes('/') && (/[.:]/.test(host) || host === 'localhost');
  return hasRegistry && parseReference(name) !== undefined ? name : undefined;
}

/**
 * The id under which a root is staged: the given one, or else the updater's, or else that of the record
 * with the root's location, or else a slug of the location.
 *
 * @throws {BerthError} `root-id` for text that can't be an id.
 */
export function idOfRoot(
  location: string,
  given: string | undefined,
  records: ReadonlyMap<string, RootRecord>,
  deployment: Deployment | undefined,
): string {
  if (given !== undefined) {
    if (isManual(given)) throw manualId(given);
    return checkedId(given);
  }
  if (deployment !== undefined) return deployment.id;
  const known = ofLocation(location, records);
  if (known !== undefined) return known;
  if (location.startsWith('/') || isImage(location)) return idOfLocation(location);
  throw new HostError('root-id', `${location} has no path that could give it an id`, 'say --id ID');
}

/**
 * The id of a staged root that a user names by its id, by a deployment's name, or by a path, which need not
 * exist any more.
 *
 * @throws {HostError} `root-id` if several roots were staged from that path; `no-deployment`.
 */
export async function idOfTarget(
  host: Host,
  target: string | undefined,
  records: ReadonlyMap<string, RootRecord>,
): Promise<string> {
  if (target !== undefined && records.has(target)) return target;
  const deployment = await deploymentMeant(host, target);
  if (deployment !== undefined) return deployment.id;
  const location = isImage(target) ? (target ?? '') : realPath(target ?? '/');
  const known = ofLocation(location, records);
  if (known !== undefined) return known;
  if (target?.includes('/') === false && !isImage(target)) return checkedId(target);
  return (await deploymentAt(location, host.deployments))?.id ?? idOfLocation(location);
}

/**
 * Refuses a path whose tree is no OS, such as a mount point whose file system is not mounted: a record of
 * what was once there must not speak for it. A path where nothing is any more passes, and so do ids.
 *
 * @throws {RootError} `not-a-root`
 */
export function refuseNoTree(
  target: string | undefined,
  records: ReadonlyMap<string, RootRecord>,
): void {
  if (target === undefined || records.has(target) || isImage(target)) return;
  if (isDeploymentName(target) || !mayBeDirectory(target)) return;
  const root = openRoot(target);
  try {
    assertOsTree(root);
  } finally {
    root.close();
  }
}

/** Whether a directory is there, or berth can't look: whoever opens the path says why. */
function mayBeDirectory(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return true;
  }
}

function ofLocation(
  location: string,
  records: ReadonlyMap<string, RootRecord>,
): string | undefined {
  const ids = [...records.values()]
    .filter((record) => isLiving(record) && isMeant(record.location, location))
    .map((record) => record.id);
  if (ids.length <= 1) return ids[0];
  throw new HostError(
    'root-id',
    `${location} was staged as ${ids.join(' and ')}`,
    'name one by its id',
  );
}

/**
 * Whether a recorded location is the one that is meant: an image may be named without the digest that its
 * recorded location has.
 */
function isMeant(recorded: string, location: string): boolean {
  if (recorded === location) return true;
  return isImage(location) && recorded.replace(/@sha256:[0-9a-f]{64}$/, '') === location;
}

function isImage(spec: string | undefined): boolean {
  return spec?.startsWith('image:') === true;
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return resolve(path);
  }
}

function manualId(id: string): HostError {
  return new HostError('root-id', `${id} is reserved for pins made by hand`, 'give another --id');
}
