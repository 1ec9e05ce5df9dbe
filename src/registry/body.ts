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

/** How long a registry may be silent while it is waited for. */
export const IDLE_MS = 60_000;

/** How long a small reply may take as a whole, however it trickles. */
const SMALL_REPLY_MS = 120_000;

/**
 * Reads a small body whole.
 *
 * @throws {TooLarge} and destroys the connection.
 */
export async function readBody(response: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  const deadline = setTimeout(() => response.destroy(new Stalled(SMALL_REPLY_MS)), SMALL_REPLY_MS);
  try {
    await eachChunk(response, async (chunk) => {
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
 * @throws {Stalled} when nothing comes for `IDLE_MS`; the time that `take` needs does not count.
 */
export async function eachChunk(
  response: IncomingMessage,
  take: (chunk: Buffer) => Promise<void>,
): Promise<void> {
  const watch = () => setTimeout(() => response.destroy(new Stalled(IDLE_MS)), IDLE_MS);
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
