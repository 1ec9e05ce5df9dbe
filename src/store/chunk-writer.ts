import type { FileHandle } from 'node:fs/promises';
import { storeFailure } from './failure.ts';
import { writeAll } from './file.ts';

/**
 * In bytes. Each write takes a trip through the thread pool. For the 64 KiB chunks of a socket that costs
 * several times the write itself: 304 MB take 1.2 s, but 0.35 s in writes of 1 MiB. Writes of half a MiB
 * are as fast.
 */
const WRITE_SIZE = 512 * 1024;

/**
 * Writes chunks of any size to a file in large writes; one is under way while the next chunks are gathered.
 * It never holds more than two such writes in memory, whatever the size of the chunks.
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
   * @param size the bytes that will be written in all: for few bytes, small buffers are allocated.
   * @param at the offset in the file at which writing begins.
   */
  constructor(file: FileHandle, path: string, size: number, at = 0) {
    this.#file = file;
    this.#path = path;
    this.#at = at;
    const held = Math.max(1, Math.min(size, WRITE_SIZE));
    this.#gathering = Buffer.allocUnsafe(held);
    this.#spare = Buffer.allocUnsafe(held);
  }

  /** @throws {EngineError} `no-space` and others, for this chunk or an earlier one. */
  async write(chunk: Buffer): Promise<void> {
    for (let done = 0; done < chunk.length; ) {
      const copied = chunk.copy(this.#gathering, this.#length, done);
      done += copied;
      this.#length += copied;
      if (this.#length === this.#gathering.length) await this.#flush();
    }
  }

  /** Empties the file and starts again. */
  async restart(): Promise<void> {
    await this.end();
    this.#at = 0;
    try {
      await this.#file.truncate(0);
    } catch (error) {
      throw storeFailure(this.#path, error);
    }
  }

  /** Waits until everything is written. */
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
