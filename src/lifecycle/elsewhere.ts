import { takesEverything } from '../common/engine-id.ts';
import { wantedImages } from '../state/record.ts';
import { LifecycleError } from './error.ts';
import type { Situation } from './situation.ts';

/**
 * Refuses a root that is staged on the engine that takes everything, in a run on the engines that run its
 * containers, and the other way round.
 *
 * @throws {BerthError} `other-engine`
 */
export function refuseElsewhere({ records, chosen }: Situation, id: string): void {
  const record = records.get(id);
  if (record === undefined) return;
  const engines = [...new Set(wantedImages(record).map(({ engine }) => engine))];
  const isElsewhere =
    chosen.all === undefined
      ? engines.some(takesEverything)
      : engines.some((engine) => engine !== chosen.all);
  if (!isElsewhere) return;
  const say =
    chosen.all === undefined ? `say --engine ${engines.join(', ')}` : 'leave --engine out';
  throw new LifecycleError('other-engine', `${id} is staged on ${engines.join(', ')}`, {
    hint: `${say}, or release it there first`,
    kind: 'refused',
  });
}
