import type { EngineInfo } from '../engine/engine.ts';
import type { Plan } from '../lifecycle/plan/plan.ts';
import { failureEntry, placeEntry, problemEntry } from './entries.ts';

/** The JSON of a plan, without the parts that only staging needs. */
export function planFields(plan: Plan) {
  const { lack } = plan;
  return {
    root: plan.root,
    engine: engineFields(plan.engine),
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
    bytes: plan.bytes,
    inStore: plan.inDepot,
    free: plan.free,
    space: plan.space.map((place) => ({ ...place })),
    ...(lack === undefined
      ? {}
      : { lack: { code: lack.code, message: lack.message, hint: lack.hint } }),
    deferred: plan.deferred.map((name) => ({ ...name, heldBy: [...name.heldBy] })),
    drops: plan.drops.map(({ id, names }) => ({ id, names: names.map(({ name }) => name) })),
    problems: plan.problems.map(problemEntry),
    failures: plan.failures.map(failureEntry),
  };
}

export function engineFields({ additionalStores, ...info }: EngineInfo) {
  return {
    ...info,
    ...(additionalStores === undefined ? {} : { additionalStores: [...additionalStores] }),
  };
}
