import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { FinalHead } from './final-head.ts';
import { NotHttp, plainHead } from './head.ts';

/**
 * A connection for one request, on which the head of the reply arrives in a form that Node's parser takes.
 * That parser is stricter than those of engines, even when it is told to be lenient: it refuses a
 * `Content-Length` that is there twice.
 */
export class PlainStream extends Duplex {
  readonly #socket: Socket;
  /** Undefined when the head of the final reply has passed. */
  #head: FinalHead | undefined = new FinalHead();

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.once('end', () => this.push(null));
    socket.once('error', (error) => this.destroy(error));
    socket.once('close', () => {
      // What came before the end is still to be read.
      if (!socket.readableEnded) this.destroy();
    });
  }

  /** How many bytes have come, as of any socket. */
  get bytesRead(): number {
    return this.#socket.bytesRead;
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }

  #take(chunk: Buffer): void {
    try {
      const bytes = this.#plain(chunk);
      if (bytes.length > 0 && !this.push(bytes)) this.#socket.pause();
    } catch (error) {
      if (!(error instanceof NotHttp)) throw error;
      this.destroy(error);
    }
  }

  #plain(chunk: Buffer): Buffer {
    if (this.#head === undefined) return chunk;
    const found = this.#head.add(chunk);
    if (found === undefined) return Buffer.alloc(0);
    this.#head = undefined;
    return Buffer.concat([plainHead(found.head), found.rest]);
  }
}
