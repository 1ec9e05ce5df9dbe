import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { BerthError, systemErrorCode } from '../errors.ts';
import { isLiving, type RootRecord } from '../lifecycle/record.ts';
import { checkedId, idOfLocation, isManual } from '../lifecycle/root-id.ts';
import { openRoot } from '../root/open-root.ts';
import type { Root } from '../root/root.ts';
import type { ImageOptions } from './os-image.ts';

/** The names of deployments, which are no paths: `./staged` is. */
const deploymentNames = ['booted', 'staged', 'rollback'];

/**
 * Opens ROOT, runs the work, and closes it whatever comes.
 *
 * @param options of the command, which say where an `image:REF` comes from.
 */
export async function withRoot<T>(
  spec: string | undefined,
  work: (root: Root) => Promise<T>,
  options?: ImageOptions,
): Promise<T> {
  refuseDeployments(spec);
  keepHeapSmall();
  const root = await open(spec ?? '/', options);
  try {
    return await work(root);
  } finally {
    root.close();
  }
}

async function open(spec: string, options: ImageOptions | undefined): Promise<Root> {
  if (!isImage(spec) || options === undefined) return openRoot(spec);
  const { openHostImage } = await import('./os-image.ts');
  return openHostImage(spec, options);
}

/**
 * A heap that stays small and is cleared often: no slower, and on a root of 20,000 units a third
 * less memory. Not at the start of the program: what V8 has cached of Node's own
 * modules holds only for the flags that it was made with.
 */
function keepHeapSmall(): void {
  setFlagsFromString('--max-semi-space-size=4');
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--optimize-for-size');
}

/**
 * The id under which a root is staged: `--id`, else that of the record that has its location,
 * else a slug of it.
 *
 * @throws {BerthError} `root-id` for an id that can't be one.
 */
export function idOfRoot(
  location: string,
  given: string | undefined,
  records: ReadonlyMap<string, RootRecord>,
): string {
  if (given !== undefined) {
    if (isManual(given)) throw manualId(given);
    return checkedId(given);
  }
  const known = ofLocation(location, records);
  if (known !== undefined) return known;
  if (location.startsWith('/') || isImage(location)) return idOfLocation(location);
  throw new BerthError('root-id', `${location} has no path that could give it an id`, {
    hint: 'say --id ID',
    kind: 'usage',
  });
}

/**
 * The id that a user means who names a staged root by id or by path; the path may be gone.
 *
 * @throws {BerthError} `root-id` if several roots were staged from that path.
 */
export function idOfTarget(
  target: string | undefined,
  records: ReadonlyMap<string, RootRecord>,
): string {
  if (target !== undefined && records.has(target)) return target;
  refuseDeployments(target);
  const location = isImage(target) ? (target ?? '') : realPath(target ?? '/');
  return (
    ofLocation(location, records) ??
    (target?.includes('/') === false && !isImage(target)
      ? checkedId(target)
      : idOfLocation(location))
  );
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

function refuseDeployments(spec: string | undefined): void {
  if (spec === undefined || !deploymentNames.includes(spec)) return;
  throw new BerthError('deployments', `berth does not read the deployment "${spec}" yet`, {
    hint: `give the directory of its tree (a directory of that name is ./${spec})`,
    kind: 'usage',
  });
}

function manualId(id: string): BerthError {
  return new BerthError('root-id', `${id} is kept for pins made by hand`, {
    hint: 'give another --id',
    kind: 'usage',
  });
}
