/** What a decoder may have been given ahead of what it has used. */
const heldBack = 4 * 1024 * 1024;

/** Bytes that are taken piece by piece, of which the last can be given back. */
export class ChunkSource {
  readonly #chunks: AsyncIterator<Buffer>;
  #next: Buffer[] = [];
  /** The last that were taken, the oldest first. */
  #last: Buffer[] = [];
  #lastBytes = 0;
  #taken = 0;

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** In bytes. */
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
      if (this.#lastBytes - oldest.length < heldBack) break;
      this.#last.shift();
      this.#lastBytes -= oldest.length;
    }
    return chunk;
  }

  /** What is left; who stops early leaves the source open. */
  async *rest(): AsyncGenerator<Buffer> {
    for (let chunk = await this.next(); chunk !== undefined; chunk = await this.next()) yield chunk;
  }

  /** The last bytes that were taken come again. */
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

  /** The next bytes, which stay; fewer only at the end. */
  async peek(length: number): Promise<Buffer> {
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
