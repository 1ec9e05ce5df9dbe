import { engineParts } from '../common/engine-id.ts';
import { absentEngine } from '../engine/absent.ts';
import type { Depot } from '../engine/depot.ts';
import type { Absence, Engine } from '../engine/engine.ts';
import type { Pin } from '../engine/pin.ts';
import type { Contents } from '../state/record.ts';
import type { EngineSituation } from './situation.ts';

/**
 * Why an engine can't take the images of a root now; undefined if it can. A user whose UID the root changes
 * is another user: this system's would get images that the root's can't read.
 */
export function absenceFor(
  { id, uid, absence }: Pick<Engine, 'id' | 'uid' | 'absence'>,
  { users = {} }: Pick<Contents, 'users'>,
): Absence | undefined {
  if (absence !== undefined) return absence;
  const { user } = engineParts(id);
  const wanted = user === undefined || !Object.hasOwn(users, user) ? undefined : users[user];
  if (wanted === undefined || uid === undefined || wanted === uid) return undefined;
  return {
    reason: `the user ${user} has the UID ${wanted} in the root and ${uid} here`,
    hint: 'nothing has to be done: `berth activate` hands the images over when the root has booted',
    takes: 'at-boot',
  };
}

/**
 * The situation on an engine as the contents of a root meet it: an engine that can't take their images is
 * absent, whatever it has for others.
 */
export function situationFor(
  on: EngineSituation,
  contents: Pick<Contents, 'users'>,
): EngineSituation {
  const { engine, holds } = on;
  const absence = absenceFor(engine, contents);
  if (absence === undefined || absence === engine.absence || engine.depot === undefined) return on;
  return {
    ...on,
    engine: absentEngine(engine.id, absence, engine.depot),
    images: new Map(),
    pins: [],
    waiting: new Set(holds.filter((hold) => isWhole(engine.depot, hold)).map(({ id }) => id)),
  };
}

/** Whether all blobs of an image lie in the depot. */
function isWhole(depot: Depot | undefined, { names, platform }: Pin): boolean {
  return names.every(({ name, digest, manifest }) => {
    const image = depot?.find(name, { digest, manifest, platform });
    return image !== undefined && depot?.missing(image.blobs).length === 0;
  });
}
