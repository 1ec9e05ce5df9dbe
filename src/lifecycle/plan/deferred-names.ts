import type { RootRecord } from '../../state/record.ts';
import { meaningsOf } from '../provenance.ts';

/** A name that keeps what it means until this root is activated. */
export interface DeferredName {
  readonly name: string;
  /** The engine's id of the image that the name will mean. */
  readonly id: string;
  /** The image that the name means now. */
  readonly current: string;
  /** The living roots that mean the present image. */
  readonly heldBy: readonly string[];
}

/** The tagged names of a root's images by which another living root means another image. */
export function deferredNames(
  records: ReadonlyMap<string, RootRecord>,
  root: string,
  images: readonly { readonly id: string; readonly names: readonly { readonly name: string }[] }[],
): readonly DeferredName[] {
  return images.flatMap((image) =>
    image.names.flatMap(({ name }) => {
      if (name.includes('@')) return [];
      const otherwise = [...meaningsOf(name, records, root)].filter(([id]) => id !== image.id);
      return otherwise.map(([current, heldBy]) => ({ name, id: image.id, current, heldBy }));
    }),
  );
}
