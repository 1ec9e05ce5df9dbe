import type { Hold } from '../../pins/holds.ts';
import { listEntries } from '../images/images.ts';
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

  constructor(moorings: Moorings) {
    this.#moorings = moorings;
  }

  /** Removes the orphans, brings an image, and makes the pins again whose images are back. */
  async without(bring: () => Promise<void>): Promise<void> {
    const orphans = await this.#find();
    this.#removed = [...this.#removed, ...orphans];
    for (const { container } of orphans) await removeContainer(this.#moorings.api, container);
    await bring();
    if (this.#removed.length > 0) await this.#remake();
  }

  async #find(): Promise<readonly Hold[]> {
    // The pins are listed first: a pin is made of an image that is there.
    const holds = await listHolds(this.#moorings);
    if (holds.length === 0) return [];
    const here = await this.#here();
    return holds.filter(({ id }) => !here.has(id));
  }

  async #remake(): Promise<void> {
    const here = await this.#here();
    const back = this.#removed.filter(({ id }) => here.has(id));
    this.#removed = this.#removed.filter(({ id }) => !here.has(id));
    for (const hold of back) await pinImages(this.#moorings, hold.root, [hold]);
  }

  async #here(): Promise<ReadonlySet<string>> {
    return new Set((await listEntries(this.#moorings)).map(({ id }) => id));
  }
}
