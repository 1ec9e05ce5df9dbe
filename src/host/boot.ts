import { readLock } from '../binding/lock.ts';
import { wantedOf } from '../binding/wanted.ts';
import type { EngineGroup, EngineId } from '../common/engine-id.ts';
import { BerthError } from '../common/errors.ts';
import type { NameFailure } from '../common/limited.ts';
import type { BootedRoot } from '../lifecycle/boot/activate.ts';
import { enginesAtBoot, openAtBoot } from '../lifecycle/boot/engines-at-boot.ts';
import { loadShipped } from '../lifecycle/boot/load-shipped.ts';
import { isPullNeeded } from '../lifecycle/boot/pull-needed.ts';
import { onOwn, readingFor } from '../lifecycle/context.ts';
import type { PlannedRoot } from '../lifecycle/plan/plan.ts';
import { readOn } from '../lifecycle/situation.ts';
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
 * Loads the images that the booted root ships or that wait for it, and returns what `activate` needs to know
 * about the root. Does not fail if the images can't be loaded, because pins and names of present images are
 * needed all the same.
 */
export async function readBootedRoot(
  host: Host,
  group: EngineGroup | undefined,
): Promise<LoadedRoot> {
  return withRoot(host, undefined, async (root, deployment) => {
    const context = await host.context();
    const records = context.state.records().byId;
    const id = idOfRoot(root.location, undefined, records, deployment);
    const location = deployment?.location ?? root.location;
    const before = enginesAtBoot(context, id, group);
    if (before.size === 0)
      return { id, locked: new Set(), needs: false, engines: before, failures: [] };
    // Without an engine nothing can be done at all, which is said once.
    await openAtBoot(context, before);
    const loaded = await load(context, root, plannedRoot(id, location, deployment), before);
    const locked = new Set((await readLock(root)).lock?.keys());
    const needs = records.has(id) || (await bindsAnything(root, context));
    // What was loaded may have engines that the record did not have before.
    const engines = enginesAtBoot(context, id, group);
    return { id, locked, needs, engines, ...loaded };
  });
}

async function load(
  context: HostContext,
  root: Root,
  planned: PlannedRoot,
  engines: ReadonlySet<EngineId>,
): Promise<Pick<LoadedRoot, 'failures' | 'failure'>> {
  try {
    const { registry, compose } = context;
    const loaded = await loadShipped(context, registry, root, planned, { compose, engines });
    return { failures: loaded === undefined ? [] : failuresOf(loaded) };
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof BerthError)) throw error;
    return { failures: [], failure: error };
  }
}

async function bindsAnything(root: Root, context: HostContext): Promise<boolean> {
  const { bindings, problems } = await wantedOf(root, {
    ...readingFor(context),
    bind: undefined,
    isBooting: true,
    compose: context.compose,
  });
  return bindings.length > 0 || problems.length > 0;
}

/**
 * Whether the service of a `.image` unit has to pull in the running root.
 *
 * @param unit the service: `app-image.service`.
 */
export async function needsPull(host: Host, unit: string): Promise<boolean> {
  const context = await host.context();
  const id = await idOfTarget(host, undefined, context.state.records().byId);
  const on = await readOn(await onOwn(context));
  return isPullNeeded(on.records.get(id), on, unit);
}
