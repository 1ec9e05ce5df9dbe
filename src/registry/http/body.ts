import type { IncomingMessage } from 'node:http';

/** A body that is longer than it may be. */
export class TooLarge extends Error {
  /** What came before it was known to be. */
  readonly start: Buffer;

  constructor(maxBytes: number, start: Buffer) {
    super(`more than ${maxBytes} bytes`);
    this.start = start;
  }
}

/** Nothing came for too long, or too little. */
export class Stalled extends Error {
  readonly bytes: number;
  /** Of the whole body, in bytes. */
  readonly total: number;

  constructor(milliseconds: number, bytes = 0, total = bytes) {
    super(`${bytes === 0 ? 'nothing' : `${bytes} bytes only`} for ${milliseconds / 1000} seconds`);
    this.bytes = bytes;
    this.total = total;
  }
}

/** The least that a body has to bring: so many bytes in so many milliseconds. */
export interface LeastRate {
  readonly bytes: number;
  readonly within: number;
}

/** How long a registry is waited for, in milliseconds. */
export interface Timeouts {
  /** Until a connection stands, with TLS. */
  readonly connect: number;
  /** While nothing comes. */
  readonly idle: number;
  /** Of a body: who sends less keeps berth for ever, and is as good as silent. */
  readonly least: LeastRate;
  /** The same where the bytes are to be had elsewhere too: a mirror is there to be quick. */
  readonly mirror: LeastRate;
  /** For a small reply as a whole, however it trickles. */
  readonly smallReply: number;
}

/**
 * A link of 64 kbit/s, shared by four downloads, gives each a little more than the least. What comes
 * over a thinner one comes in several runs.
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
 * Hands on a body piece by piece, the next when the last is done with. An error, of the body or of
 * `take`, destroys the connection.
 *
 * @throws {Stalled} when nothing comes in `idle`, or less than the least; the time that `take` needs does
 *   not count.
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
