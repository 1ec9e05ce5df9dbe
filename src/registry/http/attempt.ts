import type { ClientRequest, IncomingMessage } from 'node:http';
import { Stalled, type Timeouts } from './body.ts';
import { ENDLESS, MAX_INFORMATION, NotHttp } from './head.ts';
import { watchChunks } from './watch-chunks.ts';

/** A single try to send a request, without redirects or repetitions. */
export class Attempt {
  readonly reply: Promise<IncomingMessage>;
  isConnected = false;
  /** In milliseconds from the connection to the reply. */
  took = 0;
  readonly #request: ClientRequest;
  readonly #timeouts: Pick<Timeouts, 'connect' | 'reply'>;
  #timer: NodeJS.Timeout | undefined;
  #begun = 0;
  #isRefusedLate = false;

  constructor(request: ClientRequest, timeouts: Pick<Timeouts, 'connect' | 'reply'>) {
    this.#request = request;
    this.#timeouts = timeouts;
    request.once('socket', (socket) => {
      // Node stops listening to the socket when a request is destroyed just as its reply ends.
      if (!request.reusedSocket) socket.on('error', () => undefined);
      watchChunks(request, socket);
      // Without TLS a socket is connected when a request gets it.
      if (request.reusedSocket || !('encrypted' in socket)) this.#connected();
      else {
        this.#waitFor(timeouts.connect);
        socket.once('secureConnect', () => this.#connected());
      }
    });
    this.reply = new Promise<IncomingMessage>((resolve, reject) => {
      let informed = 0;
      request.on('information', () => {
        if (++informed > MAX_INFORMATION) request.destroy(new NotHttp(ENDLESS));
      });
      let begun: IncomingMessage | undefined;
      request.once('response', (reply) => {
        this.took = performance.now() - this.#begun;
        begun = reply;
        resolve(reply);
      });
      request.on('error', (error: NodeJS.ErrnoException) => {
        this.#isRefusedLate = error.code === 'ECONNRESET' || error.code === 'EPIPE';
        reject(error);
        // The reader of a body that is not HTTP would otherwise learn only that the connection is closed. Bytes
        // that follow a whole body are ignored.
        if (begun?.complete === false) begun.destroy(error);
      });
    }).finally(() => clearTimeout(this.#timer));
  }

  /** Whether the server closed a kept connection meanwhile, without serving the request. */
  get isStale(): boolean {
    return this.#request.reusedSocket && this.#isRefusedLate;
  }

  #connected(): void {
    this.isConnected = true;
    this.#begun = performance.now();
    this.#waitFor(this.#timeouts.reply);
  }

  #waitFor(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#request.destroy(new Stalled(milliseconds)), milliseconds);
  }
}
