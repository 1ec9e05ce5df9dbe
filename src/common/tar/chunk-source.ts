/** In bytes: how far a decoder may have read ahead of the bytes that it has used. */
const READ_AHEAD = 4 * 1024 * 1024;

/** Bytes that are taken piece by piece; the last of them can be given back. */
export class ChunkSource {
  readonly #chunks: AsyncIterator<Buffer>;
  #next: Buffer[] = [];
  /** The chunks that were taken last, the oldest first. */
  #last: Buffer[] = [];
  #lastBytes = 0;
  #taken = 0;

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** How many bytes were taken, less those given back. */
  get taken(): number {
    return this.#taken;
  }

  async next(): Promise<Buffer | undefined> {
    const chunk = this.#next.shift() ?? (await this.#read());
    if (chunk === undefined) return undefined;
    this.#taken += chunk.length;
    this.#last.push(chunk);
    this.#lastBytes += chunk.length;
    for (let [oldest] = this.#last; oldest !== undefined; [oldest] = this.#last) {
      if (this.#lastBytes - oldest.length < READ_AHEAD) break;
      this.#last.shift();
      this.#lastBytes -= oldest.length;
    }
    return chunk;
  }

  /** The remaining chunks. The source stays open if the iteration stops early. */
  async *rest(): AsyncGenerator<Buffer> {
    for (let chunk = await this.next(); chunk !== undefined; chunk = await this.next()) yield chunk;
  }

  /** Puts the bytes that were taken last back, so that they come again. */
  giveBack(bytes: number): void {
    let left = bytes;
    while (left > 0) {
      const chunk = this.#last.pop();
      if (chunk === undefined) throw new RangeError(`${left} bytes are no longer held`);
      this.#lastBytes -= chunk.length;
      const part = chunk.subarray(Math.max(0, chunk.length - left));
      this.#next.unshift(part);
      left -= part.length;
    }
    this.#taken -= bytes;
  }

  /** The next bytes, without taking them; fewer than `length` only at the end. */
  async peek(length: number): Promise<Buffer> {
    const [first] = this.#next;
    if (first !== undefined && first.length >= length) return first.subarray(0, length);
    let head = Buffer.concat(this.#next);
    while (head.length < length) {
      const chunk = await this.#read();
      if (chunk === undefined) break;
      head = Buffer.concat([head, chunk]);
    }
    this.#next = head.length === 0 ? [] : [head];
    return head.subarray(0, length);
  }

  async skip(bytes: number): Promise<void> {
    for (let left = bytes; left > 0; ) {
      const chunk = await this.next();
      if (chunk === undefined) return;
      if (chunk.length > left) this.giveBack(chunk.length - left);
      left -= Math.min(left, chunk.length);
    }
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  async #read(): Promise<Buffer | undefined> {
    const next = await this.#chunks.next();
    return next.done === true ? undefined : next.value;
  }
}
