import type { IncomingMessage } from 'node:http';

/** A body is longer than allowed. */
export class TooLarge extends Error {
  /** The bytes that had arrived by then. */
  readonly start: Buffer;

  constructor(maxBytes: number, start: Buffer) {
    super(`more than ${maxBytes} bytes`);
    this.start = start;
  }
}

/** Nothing, or too little, arrived for too long. */
export class Stalled extends Error {
  readonly bytes: number;
  /** All bytes of the body that had arrived. */
  readonly total: number;

  constructor(milliseconds: number, bytes = 0, total = bytes) {
    super(`${bytes === 0 ? 'nothing' : `${bytes} bytes only`} for ${milliseconds / 1000} seconds`);
    this.bytes = bytes;
    this.total = total;
  }
}

/** The slowest body that is waited for: this many bytes in this many milliseconds. */
export interface LeastRate {
  readonly bytes: number;
  readonly within: number;
}

/** How long a registry is waited for, in milliseconds. */
export interface Timeouts {
  /** Until the connection is established, TLS included. */
  readonly connect: number;
  /** While nothing arrives. */
  readonly idle: number;
  /**
   * The least rate of a body. A registry that sends less would keep berth waiting for ever; it counts as
   * silent.
   */
  readonly least: LeastRate;
  /** The least rate if another endpoint has the bytes too: a mirror exists to be fast. */
  readonly mirror: LeastRate;
  /** For the whole of a small reply. */
  readonly smallReply: number;
}

/**
 * A link of 64 kbit/s, shared by four downloads, gives each a little more than the least rate. Over a
 * slower link a download takes several runs.
 */
export const TIMEOUTS: Timeouts = {
  connect: 30_000,
  idle: 60_000,
  least: { bytes: 512 * 1024, within: 300_000 },
  mirror: { bytes: 256 * 1024, within: 20_000 },
  smallReply: 120_000,
};

/**
 * Reads a small body whole.
 *
 * @throws {TooLarge} and destroys the connection.
 */
export async function readBody(
  response: IncomingMessage,
  maxBytes: number,
  timeouts: Timeouts,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  const { smallReply } = timeouts;
  const deadline = setTimeout(() => response.destroy(new Stalled(smallReply)), smallReply);
  try {
    await eachChunk(response, timeouts, async (chunk) => {
      length += chunk.length;
      chunks.push(chunk);
      if (length > maxBytes) throw new TooLarge(maxBytes, Buffer.concat(chunks));
    });
  } finally {
    clearTimeout(deadline);
  }
  return Buffer.concat(chunks);
}

/**
 * Passes a body on chunk by chunk, each when `take` is done with the previous one. An error of the body or
 * of `take` destroys the connection.
 *
 * @throws {Stalled} if nothing arrives for `idle`, or less than `least` allows; the time that `take` needs
 *   does not count.
 */
export async function eachChunk(
  response: IncomingMessage,
  { idle, least }: Pick<Timeouts, 'idle' | 'least'>,
  take: (chunk: Buffer) => Promise<void>,
): Promise<void> {
  let left = least.within;
  let came = 0;
  let total = 0;
  let since = performance.now();
  const watch = () => {
    const stalled = () =>
      left <= idle ? new Stalled(least.within, came, total) : new Stalled(idle, 0, total);
    return setTimeout(() => response.destroy(stalled()), Math.min(idle, left));
  };
  let timer = watch();
  try {
    for await (const chunk of response) {
      clearTimeout(timer);
      if (!Buffer.isBuffer(chunk)) throw new TypeError('expected bytes');
      left = Math.max(0, left - (performance.now() - since));
      came += chunk.length;
      total += chunk.length;
      if (came >= least.bytes) {
        left = least.within;
        came = 0;
      }
      await take(chunk);
      since = performance.now();
      timer = watch();
    }
  } finally {
    clearTimeout(timer);
  }
}
