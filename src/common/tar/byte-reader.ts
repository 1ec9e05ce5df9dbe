/** Bytes of which some can be passed over without being read, perhaps beyond the end. */
export interface Bytes extends AsyncIterable<Buffer> {
  skip?(bytes: number): void;
}

/** Takes bytes from a stream in the portions that a format needs, and holds one chunk at a time. */
export class ByteReader {
  readonly #bytes: Bytes;
  readonly #chunks: AsyncIterator<Buffer>;
  #chunk: Buffer = Buffer.alloc(0);
  #position = 0;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
    this.#chunks = bytes[Symbol.asyncIterator]();
  }

  /** The number of bytes that were taken or passed over. */
  get position(): number {
    return this.#position;
  }

  /** @returns fewer bytes than `length` only at the end of the stream. */
  async read(length: number): Promise<Buffer> {
    if (this.#chunk.length >= length) return this.#take(length);
    const parts: Buffer[] = [];
    let missing = length;
    while (missing > 0 && (await this.#fill())) {
      const part = this.#take(Math.min(missing, this.#chunk.length));
      parts.push(part);
      missing -= part.length;
    }
    return Buffer.concat(parts);
  }

  /** @returns whether the stream had that many bytes; true if they are not read. */
  async skip(length: number): Promise<boolean> {
    let missing = length - this.#take(Math.min(length, this.#chunk.length)).length;
    if (missing > 0 && this.#bytes.skip !== undefined) {
      this.#bytes.skip(missing);
      this.#position += missing;
      return true;
    }
    while (missing > 0 && (await this.#fill())) {
      missing -= this.#take(Math.min(missing, this.#chunk.length)).length;
    }
    return missing === 0;
  }

  /** Tells the source that no more bytes are wanted. */
  async end(): Promise<void> {
    await this.#chunks.return?.();
  }

  #take(length: number): Buffer {
    const taken = this.#chunk.subarray(0, length);
    this.#chunk = this.#chunk.subarray(length);
    this.#position += taken.length;
    return taken;
  }

  async #fill(): Promise<boolean> {
    while (this.#chunk.length === 0) {
      const next = await this.#chunks.next();
      if (next.done === true) return false;
      this.#chunk = next.value;
    }
    return true;
  }
}
