import { createHash } from 'node:crypto';

/**
 * The part of a blob that has arrived, and the hash over its bytes: a download that broke off continues
 * behind them, in the same run or in a later one.
 */
export class BlobProgress {
  #hash = createHash('sha256');
  #length = 0;
  #isEnded = false;
  #vainParts = 0;

  /** The number of bytes that have arrived. */
  get length(): number {
    return this.#length;
  }

  /** Whether `digest` was called, which is done when the whole blob has arrived. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** How often in a row the rest was asked for, and nothing came. */
  get vainParts(): number {
    return this.#vainParts;
  }

  /** Notes that the rest was asked for, and nothing came. */
  noteVainPart(): void {
    this.#vainParts += 1;
  }

  /** Adds the next bytes of the blob. */
  add(chunk: Buffer): void {
    this.#vainParts = 0;
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
