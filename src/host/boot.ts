import { readLock } from '../binding/lock.ts';
import { wantedOf } from '../binding/wanted.ts';
import { BerthError } from '../common/errors.ts';
import type { NameFailure } from '../common/limited.ts';
import type { BootedRoot } from '../lifecycle/boot/activate.ts';
import { loadShipped } from '../lifecycle/boot/load-shipped.ts';
import { isPullNeeded } from '../lifecycle/boot/pull-needed.ts';
import type { PlannedRoot } from '../lifecycle/plan/plan.ts';
import { readSituation } from '../lifecycle/situation.ts';
import { failuresOf } from '../lifecycle/stage/stage.ts';
import type { Root } from '../root/root.ts';
import type { HostContext } from './context.ts';
import type { Host } from './host.ts';
import { plannedRoot } from './planner.ts';
import { idOfRoot, idOfTarget, withRoot } from './root.ts';

/** The running root, and the images that it ships and that could not be loaded. */
export interface LoadedRoot extends BootedRoot {
  /** The shipped images that could not be loaded. */
  readonly failures: readonly NameFailure[];
  /** Why no shipped image could be loaded at all. */
  readonly failure?: BerthError;
}

/**
 * Loads the images that the booted root ships, and returns what `activate` needs to know about the root.
 * Does not fail if the images can't be loaded, because pins and names of present images are needed all the
 * same.
 */
export async function readBootedRoot(host: Host): Promise<LoadedRoot> {
  return withRoot(host, undefined, async (root, deployment) => {
    const context = await host.context();
    const { records } = await readSituation(context);
    const id = idOfRoot(root.location, undefined, records, deployment);
    const location = deployment?.location ?? root.location;
    const loaded = await load(context, root, plannedRoot(id, location, deployment));
    const locked = new Set((await readLock(root)).lock?.keys());
    const needs = records.has(id) || (await bindsAnything(root, context));
    return { id, locked, needs, ...loaded };
  });
}

async function load(
  context: HostContext,
  root: Root,
  planned: PlannedRoot,
): Promise<Pick<LoadedRoot, 'failures' | 'failure'>> {
  try {
    const { registry, compose } = context;
    const loaded = await loadShipped(context, registry, root, planned, { compose });
    return { failures: loaded === undefined ? [] : failuresOf(loaded) };
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof BerthError)) throw error;
    return { failures: [], failure: error };
  }
}

async function bindsAnything(root: Root, { compose }: HostContext): Promise<boolean> {
  const { bindings, problems } = await wantedOf(root, { bind: undefined, compose });
  return bindings.length > 0 || problems.length > 0;
}

/**
 * Whether the service of a `.image` unit has to pull in the running root.
 *
 * @param unit the service: `app-image.service`.
 */
export async function needsPull(host: Host, unit: string): Promise<boolean> {
  const situation = await readSituation(await host.context());
  const id = await idOfTarget(host, undefined, situation.records);
  return isPullNeeded(situation.records.get(id), situation, unit);
}
