import type { EngineInfo } from '../engine/engine.ts';
import type { Plan } from '../lifecycle/plan/plan.ts';
import { failureEntry, placeEntry, problemEntry } from './entries.ts';

/** The JSON of a plan, without the parts that only staging needs. */
export function planFields(plan: Plan) {
  const { lack } = plan;
  return {
    root: plan.root,
    ...enginesFields(plan.engines),
    images: plan.images.map((image) => ({
      ...image,
      names: image.names.map(({ name, digest, locked, references }) => ({
        name,
        digest,
        locked,
        references: references.map(placeEntry),
      })),
    })),
    provided: plan.provided.map(({ references, ...entry }) => ({
      ...entry,
      references: references.map(placeEntry),
    })),
    way: plan.way,
    ...(plan.directIfNear === true ? { directIfNear: plan.directIfNear } : {}),
    bytes: plan.bytes,
    inStore: plan.inDepot,
    free: plan.free,
    space: plan.space.map((place) => ({ ...place })),
    ...(lack === undefined
      ? {}
      : { lack: { code: lack.code, message: lack.message, hint: lack.hint } }),
    deferred: plan.deferred.map((name) => ({ ...name, heldBy: [...name.heldBy] })),
    leftOut: plan.wanted.leftOut.map((one) => ({ ...one })),
    unbound: plan.wanted.unbound,
    drops: plan.drops.map(({ engine, id, names }) => ({
      engine,
      id,
      names: names.map(({ name }) => name),
    })),
    problems: plan.problems.map(problemEntry),
    failures: plan.failures.map(failureEntry),
  };
}

/** `engine`, the first one, is for readers of berth/v1 before a root could need several. */
export function enginesFields(engines: readonly EngineInfo[]) {
  const all = engines.map(engineFields);
  const [engine = noEngine] = all;
  return { engine, engines: all };
}

const noEngine = { name: 'store' as const, version: '', directory: '/', description: 'none' };

function engineFields({ additionalStores, ...info }: EngineInfo) {
  return {
    ...info,
    ...(additionalStores === undefined ? {} : { additionalStores: [...additionalStores] }),
  };
}
