import { engineParts } from '../../common/engine-id.ts';
import { enginesOf, isLiving } from '../../state/record.ts';
import type { Context } from '../context.ts';
import { readSituation, type Situation } from '../situation.ts';
import { type Finding, judge } from '../verify.ts';

/**
 * The findings on a root: first on the engines of the system alone, if these have any image that is missing.
 * A user can make a podman answer so late that this process is ended before it has held the root.
 */
export async function findingsOn(
  context: Context,
  root: string,
): Promise<readonly Finding[] | undefined> {
  const record = context.state.record(root);
  const engines = record === undefined ? [] : [...enginesOf(record)];
  const system = engines.filter((id) => engineParts(id).user === undefined);
  if (system.length > 0 && system.length < engines.length) {
    const found = findingsOf(root, await readSituation(context, { exactly: new Set(system) }));
    if (found?.some(isMissing) === true) return found;
  }
  return findingsOf(root, await readSituation(context, { root }));
}

/** @returns undefined if there is no record of the root. */
function findingsOf(root: string, situation: Situation): readonly Finding[] | undefined {
  const record = situation.records.get(root);
  return record === undefined || !isLiving(record) ? undefined : judge(record, situation);
}

/** Whether an image can't be looked at, so that nobody knows whether it is missing. */
export function isUnseen({ code }: Finding): boolean {
  return code === 'store-unread' || code === 'engine-absent' || code === 'engine-left-out';
}

/**
 * Whether the next boot can't mend a finding: `activate` makes pins and names again, but brings no
 * images. A problem of the root does not count, as it stays however long the root is held.
 */
export function isMissing({ code }: Finding): boolean {
  return code === 'image-missing' || code === 'digest-missing' || code === 'unresolved';
}
