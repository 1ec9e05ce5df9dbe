import type { ResolvedImage } from '../../image/resolved.ts';
import { RegistryError } from '../../registry/errors.ts';

/**
 * In milliseconds: the time that an engine may be silent after everything has arrived, while it unpacks for
 * example.
 */
const SILENCE = 30 * 60_000;

/**
 * In bytes a second. podman 4.3 and 5.4 write a line when they begin with a blob, and the next when all
 * blobs are downloaded and unpacked. So the expected time of the download is added to the silence.
 */
const LEAST_RATE = 64 * 1024;

/**
 * In milliseconds: one day. A manifest may claim any size, and a timer of more than 24 days would fire at
 * once.
 */
const LONGEST_SILENCE = 24 * 60 * 60_000;

/** Waits for an engine's next line, and aborts the pull if none arrives in time. */
export class PullSilence {
  readonly error: RegistryError;
  readonly #abort = new AbortController();
  readonly #milliseconds: number;
  #timer: NodeJS.Timeout;

  constructor(program: string, name: string, { blobs }: ResolvedImage) {
    const bytes = blobs.reduce((sum, { size }) => sum + size, 0);
    this.#milliseconds = Math.min(SILENCE + Math.ceil(bytes / LEAST_RATE) * 1000, LONGEST_SILENCE);
    const minutes = Math.round(this.#milliseconds / 60_000);
    this.error = new RegistryError(
      'connection-lost',
      `expected ${program} to continue the pull of ${name}, found no message from it for ${minutes} minutes`,
      {
        hint: 'see whether the registry and its mirrors send anything; `berth stage --download-only` shows which do not, and continues where a download ended',
      },
    );
    this.#timer = this.#begin();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  broken(): void {
    clearTimeout(this.#timer);
    this.#timer = this.#begin();
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #begin(): NodeJS.Timeout {
    return setTimeout(() => this.#abort.abort(this.error), this.#milliseconds);
  }
}
