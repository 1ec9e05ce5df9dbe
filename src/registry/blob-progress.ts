import { createHash } from 'node:crypto';

/**
 * What of a blob is here already, and the hash over it: a download that broke goes on behind it,
 * in the same run or in a later one.
 */
export class BlobProgress {
  #hash = createHash('sha256');
  #length = 0;
  #isEnded = false;

  /** In bytes. */
  get length(): number {
    return this.#length;
  }

  /** Whether it was judged, as it is by its digest when all of it is here. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** The next bytes of the blob. */
  add(chunk: Buffer): void {
    this.#hash.update(chunk);
    this.#length += chunk.length;
  }

  /** Forgets it all. */
  restart(): void {
    this.#hash = createHash('sha256');
    this.#length = 0;
    this.#isEnded = false;
  }

  /** Ends it: nothing can be added any more. */
  digest(): string {
    this.#isEnded = true;
    return `sha256:${this.#hash.digest('hex')}`;
  }
}
