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

  constructor(milliseconds: number, bytes = 0) {
    super(`${bytes === 0 ? 'nothing' : `${bytes} bytes only`} for ${milliseconds / 1000} seconds`);
    this.bytes = bytes;
  }
}

/** How long a registry is waited for, in milliseconds. */
export interface Patience {
  /** Until a connection stands, with TLS. */
  readonly connect: number;
  /** While nothing comes, or fewer than `leastBytes` of a body. */
  readonly idle: number;
  /** In `idle`, in bytes: who sends less keeps berth for ever, and is as good as silent. */
  readonly leastBytes: number;
  /** The same where the bytes are to be had elsewhere too: a mirror is there to be quick. */
  readonly mirror: { readonly idle: number; readonly leastBytes: number };
  /** For a small reply as a whole, however it trickles. */
  readonly smallReply: number;
}

/** A link of 2G, shared by ten downloads, gives each a little more than that. */
export const PATIENCE: Patience = {
  connect: 30_000,
  idle: 60_000,
  leastBytes: 16 * 1024,
  mirror: { idle: 20_000, leastBytes: 256 * 1024 },
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
  patience: Patience,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  const { smallReply } = patience;
  const deadline = setTimeout(() => response.destroy(new Stalled(smallReply)), smallReply);
  try {
    await eachChunk(response, patience, async (chunk) => {
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
 * @throws {Stalled} when less than `leastBytes` comes in `idle`; the time that `take` needs does not count.
 */
export async function eachChunk(
  response: IncomingMessage,
  { idle, leastBytes }: Patience,
  take: (chunk: Buffer) => Promise<void>,
): Promise<void> {
  let left = idle;
  let came = 0;
  let since = performance.now();
  const watch = () => setTimeout(() => response.destroy(new Stalled(idle, came)), left);
  let timer = watch();
  try {
    for await (const chunk of response) {
      clearTimeout(timer);
      if (!Buffer.isBuffer(chunk)) throw new TypeError('expected bytes');
      left = Math.max(0, left - (performance.now() - since));
      came += chunk.length;
      if (came >= leastBytes) {
        left = idle;
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
