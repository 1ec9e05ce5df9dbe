import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { keepHeapSmall } from '../cli/heap.ts';
import { BerthError, systemErrorCode } from '../common/errors.ts';
import { type Deployment, isDeploymentName } from '../deployment/deployment.ts';
import { openRoot } from '../root/open-root.ts';
import type { Root } from '../root/root.ts';
import { isLiving, type RootRecord } from '../state/record.ts';
import { checkedId, idOfLocation, isManual } from '../state/root-id.ts';
import {
  bootedDeployment,
  deploymentAt,
  deploymentCalled,
  type HostOptions,
  isCheckout,
} from './deployments.ts';
import type { ImageOptions } from './os-image.ts';

/**
 * Opens ROOT, runs the work, and closes it whatever comes.
 *
 * @param spec a path, `fd:N`, `image:REF` or a deployment's name; by default the booted
 * deployment, or `/` where no updater is found.
 * @param work gets the deployment too, where ROOT was named or is an ostree deployment's directory.
 * @param options of the command, which say where an `image:REF` comes from.
 */
export async function withRoot<T>(
  spec: string | undefined,
  work: (root: Root, deployment: Deployment | undefined) => Promise<T>,
  options: ImageOptions & HostOptions,
): Promise<T> {
  const called = await deploymentMeant(spec, options);
  keepHeapSmall();
  const given = await (called?.open() ?? open(spec ?? '/', options));
  let root = given;
  try {
    const isDirectory = called === undefined && isCheckout(given.location);
    const deployment = isDirectory ? await deploymentAt(given.location, options) : called;
    if (isDirectory && deployment !== undefined) root = await deployment.open();
    return await work(root, deployment);
  } finally {
    given.close();
    if (root !== given) root.close();
  }
}

async function deploymentMeant(
  spec: string | undefined,
  options: HostOptions,
): Promise<Deployment | undefined> {
  if (spec === undefined) return bootedDeployment(options);
  return isDeploymentName(spec) ? deploymentCalled(spec, options) : undefined;
}

async function open(spec: string, options: ImageOptions): Promise<Root> {
  if (!isImage(spec)) return openRoot(spec);
  const { openHostImage } = await import('./os-image.ts');
  return openHostImage(spec, options);
}

/**
 * The id under which a root is staged: `--id`, else the updater's, else that of the record that
 * has its location, else a slug of it.
 *
 * @throws {BerthError} `root-id` for an id that can't be one.
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
  throw new BerthError('root-id', `${location} has no path that could give it an id`, {
    hint: 'say --id ID',
    kind: 'usage',
  });
}

/**
 * The id that a user means who names a staged root by id, by a deployment's name or by path; the
 * path may be gone.
 *
 * @throws {BerthError} `root-id` if several roots were staged from that path; `no-deployment`.
 */
export async function idOfTarget(
  target: string | undefined,
  records: ReadonlyMap<string, RootRecord>,
  options: HostOptions,
): Promise<string> {
  if (target !== undefined && records.has(target)) return target;
  const deployment = await deploymentMeant(target, options);
  if (deployment !== undefined) return deployment.id;
  const location = isImage(target) ? (target ?? '') : realPath(target ?? '/');
  const known = ofLocation(location, records);
  if (known !== undefined) return known;
  if (target?.includes('/') === false && !isImage(target)) return checkedId(target);
  return (await deploymentAt(location, options))?.id ?? idOfLocation(location);
}

function ofLocation(
  location: string,
  records: ReadonlyMap<string, RootRecord>,
): string | undefined {
  const ids = [...records.values()]
    .filter((record) => isLiving(record) && isMeant(record.location, location))
    .map((record) => record.id);
  if (ids.length <= 1) return ids[0];
  throw new BerthError('root-id', `${location} was staged as ${ids.join(' and ')}`, {
    hint: 'say which with its id',
    kind: 'usage',
  });
}

/** An image may be called by its name alone: its location has the digest too. */
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

function manualId(id: string): BerthError {
  return new BerthError('root-id', `${id} is kept for pins made by hand`, {
    hint: 'give another --id',
    kind: 'usage',
  });
}
