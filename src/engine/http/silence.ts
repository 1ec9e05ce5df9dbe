/**
 * In bytes: how much of an archive an engine has to take before the time begins anew. If each chunk did, an engine
 * that takes one now and then would hold up berth, and its locks, for months.
 */
const PORTION = 256 * 1024 * 1024;

/** Aborts when an engine has neither taken a portion of the archive nor answered for too long. */
export class Silence {
  readonly #milliseconds: number;
  readonly #abort = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds;
    this.#begin();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** The content; each chunk that is asked for shows that the engine took the last one. */
  async *brokenBy(content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let taken = 0;
    for await (const chunk of content) {
      yield chunk;
      taken += chunk.length;
      if (taken < PORTION) continue;
      taken = 0;
      this.#begin();
    }
    this.#begin();
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #begin(): void {
    this.end();
    this.#timer = setTimeout(() => this.#abort.abort(), this.#milliseconds);
  }
}
