import type { Binding } from '../../binding/bindings.ts';
import type { Wanted } from '../../binding/wanted.ts';
import { parsePlatform } from '../../image/platform.ts';
import type { RecordImage, RootRecord } from '../../state/record.ts';
import { type Copies, copyOf } from './copies.ts';

/**
 * What a stage of these images alone would want, by the digests on record. The tree of the root is not read:
 * an image comes with the credentials of the host, not with those that a unit of the root may name.
 *
 * @param copies the images that need no registry.
 */
export function wantedAgain(
  { staged }: RootRecord,
  images: readonly RecordImage[],
  copies: Copies,
): Wanted {
  return {
    bindings: images.flatMap((image) => bindingsFor(image, copies)),
    problems: [],
    passedOver: 0,
    provided: [],
    archives: [],
    storage: { additionalStores: [] },
    bind: undefined,
    unbound: 0,
    leftOut: [],
    withoutHandover: [],
    users: staged?.users ?? {},
  };
}

/** An image that was pinned by hand by its id alone has no name by which it could come. */
function bindingsFor(
  { engine, id, manifest, artifact, platform, names }: RecordImage,
  copies: Copies,
): readonly Binding[] {
  const parsed = parsePlatform(platform);
  if (parsed === undefined) return [];
  return names
    .filter(({ name }) => name !== id)
    .map(({ name, digest, references }) => {
      const shipped = copyOf(copies, { digest, manifest, platform });
      return {
        engine,
        name,
        ...(artifact === true ? { artifact } : {}),
        platform: parsed,
        accesses: [{}],
        policy: 'missing',
        references,
        stores: [],
        recorded: digest,
        ...(shipped === undefined ? {} : { shipped }),
      };
    });
}
