/** Changes since the last look. Several count as one. */
export class Changes {
  #next = Promise.withResolvers<void>();
  #failure: { readonly error: unknown } | undefined;

  add(): void {
    this.#next.resolve();
  }

  fail(error: unknown): void {
    this.#failure = { error };
    this.#next.resolve();
  }

  /** Waits for a change. @throws what `fail` was told. */
  async next(signal: AbortSignal): Promise<void> {
    const end = () => this.#next.resolve();
    signal.addEventListener('abort', end, { once: true });
    await this.#next.promise;
    signal.removeEventListener('abort', end);
    signal.throwIfAborted();
    if (this.#failure !== undefined) throw this.#failure.error;
    this.#next = Promise.withResolvers();
  }
}
