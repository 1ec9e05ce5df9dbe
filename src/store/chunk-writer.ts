import type { FileHandle } from 'node:fs/promises';
import { storeFailure } from './failure.ts';
import { writeAll } from './file.ts';

/**
 * In bytes. A write takes a trip through the thread pool, which for the 64 KiB that a socket
 * gives costs several times the write itself (304 MB: 1.2 s so, 0.35 s by the megabyte). Half
 * of that is as quick.
 */
const WRITE_SIZE = 512 * 1024;

/**
 * Writes chunks of any size to a file in large writes, one under way while the next chunks
 * are gathered. It never holds more than two of these, whatever the size of the chunks.
 */
export class ChunkWriter {
  readonly #file: FileHandle;
  readonly #path: string;
  #gathering: Buffer;
  #spare: Buffer;
  #length = 0;
  #at: number;
  #writing: Promise<void> = Promise.resolve();

  /**
   * @param size of all that will come, in bytes: for little, little is held.
   * @param at where in the file it begins.
   */
  constructor(file: FileHandle, path: string, size: number, at = 0) {
    this.#file = file;
    this.#path = path;
    this.#at = at;
    const held = Math.max(1, Math.min(size, WRITE_SIZE));
    this.#gathering = Buffer.allocUnsafe(held);
    this.#spare = Buffer.allocUnsafe(held);
  }

  /** @throws {EngineError} `no-space` and others, of this chunk or an earlier one. */
  async write(chunk: Buffer): Promise<void> {
    for (let done = 0; done < chunk.length; ) {
      const copied = chunk.copy(this.#gathering, this.#length, done);
      done += copied;
      this.#length += copied;
      if (this.#length === this.#gathering.length) await this.#flush();
    }
  }

  /** Empties the file, and begins anew. */
  async restart(): Promise<void> {
    await this.end();
    this.#at = 0;
    try {
      await this.#file.truncate(0);
    } catch (error) {
      throw storeFailure(this.#path, error);
    }
  }

  /** Everything is written when this returns. */
  async end(): Promise<void> {
    await this.#flush();
    await this.#writing;
  }

  async #flush(): Promise<void> {
    await this.#writing;
    const full = this.#gathering.subarray(0, this.#length);
    [this.#gathering, this.#spare] = [this.#spare, this.#gathering];
    this.#length = 0;
    this.#writing = writeAll(this.#file, full, this.#path, this.#at);
    this.#at += full.length;
    // The next await sees the failure; until then the promise must not count as unhandled.
    this.#writing.catch(() => undefined);
  }
}
