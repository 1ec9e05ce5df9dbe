import { isTag } from '../../image/name.ts';
import type { RootRecord } from '../../state/record.ts';
import { removalOf } from '../../state/removed.ts';
import type { EngineSituation } from '../situation.ts';

/** A name that does not mean the image on record, though the engine has the image. */
interface NameToMove {
  readonly id: string;
  readonly name: string;
}

/**
 * The names of a root that an activation moves on one engine.
 *
 * @param left names that stay as they are.
 */
export function namesToMove(
  record: RootRecord,
  {
    engine,
    images,
  }: Pick<EngineSituation, 'images'> & { readonly engine: Pick<EngineSituation['engine'], 'id'> },
  left: ReadonlySet<string>,
): readonly NameToMove[] {
  // All images of a stage that was cut off may be there, and only their names may be missing.
  return ((record.staged ?? record.pending)?.images ?? []).flatMap(({ id, names }) => {
    const image = images.get(id);
    if (image === undefined) return [];
    return names
      .map(({ name }) => name)
      .filter((name) => isTag(name) && !left.has(name) && !image.names.includes(name))
      .filter((name) => removalOf(record, { engine: engine.id, id, name }) === undefined)
      .map((name) => ({ id, name }));
  });
}
