import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';

/** A registry that has sent nothing for a while, and is still waited for. */
export interface Silence {
  readonly registry: string;
  /** How long it has sent nothing. */
  readonly milliseconds: number;
}

export type OnSilence = (silence: Silence) => void;

/** A registry that stays silent is named again after so many times the first wait. */
const AGAIN_AFTER = 6;

/** What of a request shows whether its registry is silent. */
type Watched = Pick<EventEmitter, 'once'> & {
  readonly socket: { readonly bytesRead: number } | null;
};

/** Tells of registries that keep berth waiting: once for all requests to the same one. */
export class Silences {
  readonly #tell: OnSilence;
  /** In milliseconds: the silence after which a registry is named first. */
  readonly #after: number;
  /** The registries that were named a short while ago. */
  readonly #named = new Set<string>();

  constructor(tell: OnSilence, after: number) {
    this.#tell = tell;
    this.#after = after;
  }

  /** Watches a request until its reply has ended. */
  watch(registry: string, request: Watched): void {
    const period = this.#after / 2;
    let reply: IncomingMessage | undefined;
    let received = 0;
    let silent = 0;
    const timer = setInterval(() => {
      const bytes = request.socket?.bytesRead ?? 0;
      // Bytes that lie unread wait for berth, not for the registry.
      const isSilent = bytes === received && (reply?.readableLength ?? 0) === 0;
      received = bytes;
      silent = isSilent ? silent + period : 0;
      if (silent >= this.#after) this.#name(registry, silent);
    }, period).unref();
    request.once('response', (begun: IncomingMessage) => (reply = begun));
    request.once('close', () => clearInterval(timer));
  }

  #name(registry: string, milliseconds: number): void {
    if (this.#named.has(registry)) return;
    this.#named.add(registry);
    setTimeout(() => this.#named.delete(registry), this.#after * AGAIN_AFTER).unref();
    this.#tell({ registry, milliseconds });
  }
}
