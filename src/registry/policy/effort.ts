import { RegistryError } from '../errors.ts';

/** The most messages that gpg may refuse: those of hundreds of images, each signed by several others too. */
const MOST_REFUSED = 3_000;

/** In milliseconds: how long gpg may take for the messages that it refuses. */
const LONGEST = 300_000;

/**
 * What gpg has done in vain for all images of a run together. Anybody may add signatures, and those of many images would
 * keep gpg busy for hours.
 */
export class Effort {
  readonly #most: number;
  #refused = 0;
  #milliseconds = 0;

  constructor(most = MOST_REFUSED) {
    this.#most = most;
  }

  /** Counts a message that was no reason to accept its image. */
  wasted(milliseconds: number): void {
    this.#refused++;
    this.#milliseconds += milliseconds;
  }

  /** @throws {RegistryError} `policy-rejected` if gpg has done too much in vain. */
  check(name: string): void {
    if (this.#refused < this.#most && this.#milliseconds < LONGEST) return;
    const seconds = Math.round(this.#milliseconds / 1000);
    const found = `gpg has refused ${this.#refused} signatures of all images in ${seconds} s already`;
    const message = `${name}: expected at most ${this.#most} refused signatures and ${LONGEST / 1000} s, and ${found}`;
    throw new RegistryError('policy-rejected', message, {
      hint: 'see who puts so many worthless signatures beside the images, and remove them; or name fewer images',
    });
  }
}
