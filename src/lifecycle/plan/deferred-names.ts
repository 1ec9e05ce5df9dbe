import { meaningsOf } from '../provenance.ts';
import type { Situation } from '../situation.ts';
import type { PlannedImage } from './planned-image.ts';

export interface DeferredName {
  readonly name: string;
  readonly id: string;
  /** The image that it means now. */
  readonly current: string;
  /** The roots that mean that. */
  readonly heldBy: readonly string[];
}

/** A name that another living root means otherwise stays as it is. */
export function deferredNames(
  situation: Situation,
  root: string,
  images: readonly PlannedImage[],
): readonly DeferredName[] {
  return images.flatMap((image) =>
    image.names.flatMap(({ name }) => {
      if (name.includes('@')) return [];
      const meanings = meaningsOf(name, situation.records, root);
      const otherwise = [...meanings].filter(([id]) => id !== image.id);
      return otherwise.map(([current, heldBy]) => ({ name, id: image.id, current, heldBy }));
    }),
  );
}
