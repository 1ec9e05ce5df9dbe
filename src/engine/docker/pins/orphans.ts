import { together } from '../../../common/together.ts';
import type { Hold } from '../../pins/holds.ts';
import { listEntries } from '../images/images.ts';
import { targetKnownAs } from '../images/targets.ts';
import { listHolds, type Moorings, removeContainer } from './holds.ts';
import { pinImages } from './pin.ts';

/**
 * The pins of images that somebody has removed by force. Such a pin holds nothing but unpacked layers, and a
 * pull into containerd's image store leaves out what is unpacked, so that the image, and others with the same
 * layers, would lack those layers for ever.
 */
export class Orphans {
  readonly #moorings: Moorings;
  /** The pins that were removed, and whose images have not come back yet. */
  #removed: readonly Hold[] = [];

  /** Callers at the same time share one look at everything. */
  readonly #find: () => Promise<readonly Hold[]>;

  constructor(moorings: Moorings) {
    this.#moorings = moorings;
    this.#find = together(() => orphansIn(moorings));
  }

  /** Removes the orphans, brings an image, and makes the pins again whose images are back. */
  async without(bring: () => Promise<void>): Promise<void> {
    const orphans = await this.#find();
    this.#removed = [...this.#removed, ...orphans];
    for (const { container } of orphans) await removeContainer(this.#moorings.api, container);
    await bring();
    if (this.#removed.length > 0) await this.#remake();
  }

  async #remake(): Promise<void> {
    const back = new Set<Hold>();
    for (const hold of this.#removed) if (await isBack(this.#moorings, hold)) back.add(hold);
    this.#removed = this.#removed.filter((hold) => !back.has(hold));
    for (const hold of back) await pinImages(this.#moorings, hold.root, [hold]);
  }
}

async function orphansIn(moorings: Moorings): Promise<readonly Hold[]> {
  // The pins are listed first: a pin is made of an image that is there.
  const holds = await listHolds(moorings);
  if (holds.length === 0) return [];
  const here = new Set((await listEntries(moorings)).map(({ id }) => id));
  return holds.filter(({ id }) => !here.has(id));
}

async function isBack(moorings: Moorings, { id, names: [name] }: Hold): Promise<boolean> {
  return name !== undefined && (await targetKnownAs(moorings, id, name)) !== undefined;
}
