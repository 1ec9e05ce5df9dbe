import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';

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
  /** How long that was. */
  readonly milliseconds: number;
  readonly bytes: number;
  /** All bytes of the body that had arrived. */
  readonly total: number;

  constructor(milliseconds: number, bytes = 0, total = bytes) {
    const seconds = milliseconds < 1000 ? milliseconds / 1000 : Math.round(milliseconds / 1000);
    super(`${bytes === 0 ? 'nothing' : `${bytes} bytes only`} for ${seconds} seconds`);
    this.milliseconds = milliseconds;
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
  /**
   * Until a reply begins, and the first byte of its body has arrived: a cache may fetch all of an image
   * before that.
   */
  readonly reply: number;
  /** The same, if another endpoint can be asked. */
  readonly mirrorReply: number;
  /** While nothing more arrives. */
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
  /** For all signatures that a lookaside has of an image. */
  readonly lookaside: number;
  /** While nothing arrives, until the user is told who is waited for. */
  readonly told: number;
}

/**
 * The timeouts for the body of a reply to a request that was sent so many milliseconds ago: the time in
 * which its first byte must arrive has begun with the request.
 */
export function timeoutsAfter(timeouts: Timeouts, milliseconds: number): Timeouts {
  const rest = (whole: number) =>
    Math.max(Math.min(timeouts.idle, whole), Math.round(whole - milliseconds));
  return { ...timeouts, reply: rest(timeouts.reply), mirrorReply: rest(timeouts.mirrorReply) };
}

/**
 * A link of 64 kbit/s, shared by four downloads, gives each a little more than the least rate. Over a
 * slower link a download takes several runs.
 */
export const TIMEOUTS: Timeouts = {
  connect: 30_000,
  reply: 600_000,
  mirrorReply: 60_000,
  idle: 60_000,
  least: { bytes: 512 * 1024, within: 300_000 },
  mirror: { bytes: 256 * 1024, within: 20_000 },
  smallReply: 120_000,
  lookaside: 300_000,
  told: 10_000,
};

/**
 * The length of a body by its headers; undefined if they have none, or if the body comes in chunks, which
 * count more than a length: RFC 9112, section 6.3.
 */
export function lengthOf({ headers }: IncomingMessage): number | undefined {
  const { 'content-length': length, 'transfer-encoding': encoding } = headers;
  return length === undefined || encoding !== undefined ? undefined : Number(length);
}

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
  let deadline: NodeJS.Timeout | undefined;
  try {
    await eachChunk(response, { ...timeouts, first: timeouts.reply }, async (chunk) => {
      deadline ??= setTimeout(() => response.destroy(new Stalled(smallReply)), smallReply);
      length += chunk.length;
      chunks.push(chunk);
      if (length > maxBytes) throw new TooLarge(maxBytes, Buffer.concat(chunks));
    });
  } finally {
    clearTimeout(deadline);
  }
  return Buffer.concat(chunks);
}

/** How long a body is waited for, in milliseconds. */
export interface Patience {
  /** Until its first byte. */
  readonly first: number;
  /** While nothing more arrives. */
  readonly idle: number;
  /** From the first byte on. */
  readonly least: LeastRate;
}

/**
 * Passes a body on chunk by chunk, each when `take` is done with the previous one. An error of the body or
 * of `take` destroys the connection.
 *
 * @throws {Stalled} if nothing arrives for too long, or less than `least` allows; the time that `take` needs
 *   does not count.
 */
export async function eachChunk(
  response: Readable,
  { first, idle, least }: Patience,
  take: (chunk: Buffer) => Promise<void>,
): Promise<void> {
  let left = least.within;
  let came = 0;
  let total = 0;
  let since = performance.now();
  const stalled = () => {
    if (total === 0) return new Stalled(first);
    return left <= idle ? new Stalled(least.within, came, total) : new Stalled(idle, 0, total);
  };
  const watch = () => {
    const milliseconds = total === 0 ? first : Math.min(idle, left);
    return setTimeout(() => response.destroy(stalled()), milliseconds);
  };
  let timer = watch();
  try {
    for await (const chunk of response) {
      clearTimeout(timer);
      if (!Buffer.isBuffer(chunk)) throw new TypeError('expected bytes');
      if (total > 0) left = Math.max(0, left - (performance.now() - since));
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
