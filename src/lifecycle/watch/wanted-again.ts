import type { Binding } from '../../binding/bindings.ts';
import type { Wanted } from '../../binding/wanted.ts';
import { parsePlatform } from '../../image/platform.ts';
import { placeOf, type RecordImage, type RootRecord } from '../../state/record.ts';

/**
 * What a stage of these images alone would want, by the digests on record. The tree of the root is not read:
 * an image comes with the credentials of the host, not with those that a unit of the root may name.
 *
 * @param places the images, as `placeOf` writes them.
 */
export function wantedAgain({ staged }: RootRecord, places: ReadonlySet<string>): Wanted {
  const images = (staged?.images ?? []).filter((image) => places.has(placeOf(image)));
  return {
    bindings: images.flatMap(bindingsFor),
    problems: [],
    passedOver: 0,
    provided: [],
    archives: [],
    storage: { additionalStores: [] },
    bind: undefined,
    unbound: 0,
    leftOut: [],
    users: staged?.users ?? {},
  };
}

/** An image that was pinned by hand by its id alone has no name by which it could come. */
function bindingsFor({ engine, id, artifact, platform, names }: RecordImage): readonly Binding[] {
  const parsed = parsePlatform(platform);
  if (parsed === undefined) return [];
  return names
    .filter(({ name }) => name !== id)
    .map(({ name, digest, references }) => ({
      engine,
      name,
      ...(artifact === true ? { artifact } : {}),
      platform: parsed,
      accesses: [{}],
      policy: 'missing',
      references,
      stores: [],
      recorded: digest,
    }));
}
