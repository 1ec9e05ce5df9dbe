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

/** Nothing came for too long. */
export class Stalled extends Error {
  constructor(milliseconds: number) {
    super(`nothing for ${milliseconds / 1000} seconds`);
  }
}

/** How long a registry is waited for, in milliseconds. */
export interface Patience {
  /** Until a connection stands, with TLS. */
  readonly connect: number;
  /** While nothing comes. */
  readonly idle: number;
  /** For a small reply as a whole, however it trickles. */
  readonly smallReply: number;
}

export const PATIENCE: Patience = { connect: 30_000, idle: 60_000, smallReply: 120_000 };

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
 * @throws {Stalled} when nothing comes for `idle`; the time that `take` needs does not count.
 */
export async function eachChunk(
  response: IncomingMessage,
  { idle }: Patience,
  take: (chunk: Buffer) => Promise<void>,
): Promise<void> {
  const watch = () => setTimeout(() => response.destroy(new Stalled(idle)), idle);
  let timer = watch();
  try {
    for await (const chunk of response) {
      clearTimeout(timer);
      if (!Buffer.isBuffer(chunk)) throw new TypeError('expected bytes');
      await take(chunk);
      timer = watch();
    }
  } finally {
    clearTimeout(timer);
  }
}
