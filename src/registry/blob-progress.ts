import { createHash } from 'node:crypto';

/**
 * How much of a blob is here already, with the hash over these bytes: a download that broke off goes
 * on behind them, in the same run or in a later one.
 */
export class BlobProgress {
  #hash = createHash('sha256');
  #length = 0;
  #isEnded = false;

  /** In bytes. */
  get length(): number {
    return this.#length;
  }

  /** Whether `digest` was called, as it is when the whole blob is here. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** The next bytes of the blob. */
  add(chunk: Buffer): void {
    this.#hash.update(chunk);
    this.#length += chunk.length;
  }

  /** Starts again with the first byte. */
  restart(): void {
    this.#hash = createHash('sha256');
    this.#length = 0;
    this.#isEnded = false;
  }

  /** The digest of all bytes; none can be added afterwards. */
  digest(): string {
    this.#isEnded = true;
    return `sha256:${this.#hash.digest('hex')}`;
  }
}
