import { type EngineGroup, type EngineId, groupOf } from '../../common/engine-id.ts';
import { mapLimited } from '../../common/limited.ts';
import { enginesOf } from '../../state/record.ts';
import type { Context } from '../context.ts';

/**
 * The engines that an activation of a root has to look at. A user's podman takes a while to start, so it is looked at
 * only after a boot into another root, or while it has not been activated.
 *
 * @param group the only group to look at; all by default.
 */
export function enginesAtBoot(
  { state, engines: { usual } }: Pick<Context, 'state' | 'engines'>,
  id: string,
  group: EngineGroup | undefined,
): ReadonlySet<EngineId> {
  const record = state.record(id);
  const activation = state.activation.read();
  const own = record === undefined ? [] : enginesOf(record);
  const all = [usual, ...own, ...(record?.staged?.leftOut ?? [])];
  const { pending = [] } = activation ?? {};
  const isNew = (engine: EngineId) => activation?.root !== id || pending.includes(engine);
  return new Set(
    all.filter((engine) => {
      const its = groupOf(engine);
      return (group ?? its) === its && (its !== 'users' || isNew(engine));
    }),
  );
}

/** Each podman of a user is a process that has to be started. */
const OPENED_AT_A_TIME = 8;

/** Opens engines side by side: a user may make a podman start late, and the boot of the others waits for it. */
export async function openAtBoot(
  { engines }: Pick<Context, 'engines'>,
  ids: Iterable<EngineId>,
): Promise<void> {
  await mapLimited([...ids], OPENED_AT_A_TIME, (id) => engines.open(id));
}
