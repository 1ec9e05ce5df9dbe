/** Aborts when podman has neither taken a chunk nor answered for too long. */
export class Silence {
  readonly #milliseconds: number | undefined;
  readonly #abort = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(milliseconds: number | undefined) {
    this.#milliseconds = milliseconds;
    this.#begin();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** The content; each chunk that is asked for shows that podman took the last one. */
  async *brokenBy(content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of content) {
      this.#begin();
      yield chunk;
    }
    this.#begin();
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #begin(): void {
    this.end();
    if (this.#milliseconds === undefined) return;
    this.#timer = setTimeout(() => this.#abort.abort(), this.#milliseconds);
  }
}
