import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { Blob } from '../image/resolved.ts';
import type { Access } from './access.ts';
import type { BlobProgress } from './blob-progress.ts';
import { PROGRESS } from './circuit-breaker.ts';
import type { Endpoint } from './endpoint.ts';
import { RegistryError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { connectionLost, failure, printable, tooSlow } from './failure.ts';
import { eachChunk, lengthOf, Stalled, type Timeouts, timeoutsAfter } from './http/body.ts';
import { decodedStream, isCompressed } from './http/decoded.ts';
import { webPageHint } from './http/web-page.ts';
import { discard } from './redirect.ts';
import { type BlobTarget } from './registry.ts';

/** Where the bytes of a blob go. */
export interface Target {
  readonly into: BlobTarget;
  /** The part of the blob that `into` already has. */
  readonly progress: BlobProgress;
  /** Waits until so many bytes more may come. */
  readonly received?: ((bytes: number) => Promise<void>) | undefined;
  /** Whether another endpoint can take over if this one is slow. */
  readonly mayLeave?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Streams the missing bytes of a blob, hashing them on the way, and stops at once when there are too many.
 * If the digest of the whole is wrong, the endpoint that sent the beginning may be at fault: the blob is
 * then downloaded whole from this endpoint, which is to blame only if that fails too.
 *
 * Source: distribution-spec, "Pulling blobs", and RFC 9110, section 14.
 *
 * @throws {RegistryError}, what `into` throws, or the signal's reason.
 */
export async function downloadBlob(
  exchange: Exchange,
  endpoint: Endpoint,
  access: Access,
  blob: Blob,
  target: Target,
): Promise<void> {
  const { into, progress } = target;
  const isWhole = progress.length === 0;
  await bringRest({ exchange, endpoint, access, blob }, target);
  const digest = progress.digest();
  if (digest === blob.digest) return;
  if (into.restart !== undefined) {
    await into.restart();
    progress.restart();
    if (!isWhole) return downloadBlob(exchange, endpoint, access, blob, target);
  }
  throw failure('digest-mismatch', endpoint, nameOf(blob), `one that hashes to ${digest}`, {
    hint: 'try again; if this persists, do not trust the registry, or a proxy on the way',
  });
}

function nameOf({ digest }: Blob): string {
  return `the blob ${digest}`;
}

/** A blob, and the endpoint that is asked for it. */
interface Asked {
  readonly exchange: Exchange;
  readonly endpoint: Endpoint;
  readonly access: Access;
  readonly blob: Blob;
}

/** How often in a row a part is asked for in vain before the whole is. */
const MAX_VAIN_PARTS = 2;

/**
 * Brings the bytes that are missing. Some registries refuse a part, or send another one than was asked for;
 * they are asked for the whole blob then, in which the present bytes are skipped. A part that is too short
 * is progress, and the next part is asked for, if it was large enough.
 */
async function bringRest(asked: Asked, target: Target): Promise<void> {
  const { endpoint, blob } = asked;
  const { progress } = target;
  let isPart = progress.length > 0 && progress.vainParts < MAX_VAIN_PARTS;
  while (progress.length < blob.size) {
    const before = progress.length;
    try {
      await bring(asked, target, isPart);
    } catch (error) {
      if (!isPart) throw error;
      if (progress.length === before && isPassing(error)) progress.noteVainPart();
      if (!isRefusalOfPart(error)) throw error;
      isPart = false;
      continue;
    }
    if (progress.length < blob.size && !isPart) throw tooShort(endpoint, blob, progress.length);
    isPart = isPart && progress.length - before >= PROGRESS;
  }
}

/** Whether a registry that was asked for a part may send the whole all the same. */
function isRefusalOfPart(error: unknown): boolean {
  if (!(error instanceof RegistryError)) return false;
  const { code, status } = error;
  if (status === 501 || status === 505) return true;
  return ['bad-reply', 'forbidden', 'not-found', 'short-body'].includes(code);
}

function isPassing(error: unknown): boolean {
  if (!(error instanceof RegistryError)) return false;
  return error.code === 'registry-failed' || error.code === 'connection-lost';
}

/** Sends one request for the missing bytes, or for the whole blob, and takes what comes. */
async function bring(
  { exchange, endpoint, access, blob }: Asked,
  target: Target,
  isPart: boolean,
): Promise<void> {
  const { progress, signal, mayLeave = false } = target;
  const asked = performance.now();
  const response = await exchange.get({
    endpoint,
    access,
    path: `blobs/${blob.digest}`,
    accept: '*/*',
    expected: nameOf(blob),
    mayLeave,
    signal,
    ...(isPart ? { from: progress.length } : {}),
  });
  const start = checkRange(endpoint, blob, response, progress.length);
  const body = decodedStream(response, blob.size);
  if (body === response) checkLength(endpoint, blob, response, start);
  const timeouts = timeoutsAfter(exchange.timeoutsOf(endpoint), performance.now() - asked);
  await pass({ endpoint, blob, body, start, timeouts }, target);
}

/**
 * The byte of the blob at which the body begins. A registry that was asked for a part may send the whole, or
 * a part that begins earlier.
 */
function checkRange(
  endpoint: Endpoint,
  blob: Blob,
  response: IncomingMessage,
  wanted: number,
): number {
  if (response.statusCode !== 206) return 0;
  const range = response.headers['content-range'] ?? '';
  const [, start, total] = /^bytes (\d{1,15})-\d{1,15}\/(\d{1,15}|\*)$/i.exec(range) ?? [];
  const isOfBlob =
    (total === '*' || Number(total) === blob.size) && !isCompressed(response.headers);
  if (start !== undefined && Number(start) <= wanted && isOfBlob) return Number(start);
  discard(response);
  const found = JSON.stringify(printable(range));
  throw failure('bad-reply', endpoint, `the blob ${blob.digest} from byte ${wanted} on`, found, {
    hint: 'tell those who run the registry: it does not send what was requested',
  });
}

/** Refuses a body whose length shows that it is not the blob, or not the rest of it. */
function checkLength(
  endpoint: Endpoint,
  blob: Blob,
  response: IncomingMessage,
  start: number,
): void {
  const length = start + (lengthOf(response) ?? blob.size - start);
  if (length === blob.size || (length < blob.size && response.statusCode === 206)) return;
  discard(response);
  if (length > blob.size) throw tooLong(endpoint, blob);
  throw tooShort(
    endpoint,
    blob,
    length,
    /^text\/html\b/i.test(response.headers['content-type'] ?? ''),
  );
}

interface Passing {
  readonly endpoint: Endpoint;
  readonly blob: Blob;
  readonly body: Readable;
  /** The byte of the blob at which the body begins. */
  readonly start: number;
  readonly timeouts: Timeouts;
}

async function pass(
  { endpoint, blob, body, start, timeouts }: Passing,
  { into, progress, received, signal, mayLeave = false }: Target,
): Promise<void> {
  const { idle, least, mirror, reply, mirrorReply } = timeouts;
  const patience = mayLeave
    ? { first: mirrorReply, idle, least: mirror }
    : { first: reply, idle, least };
  const expected = nameOf(blob);
  let at = start;
  let isWriting = false;
  try {
    await eachChunk(body, patience, async (chunk) => {
      await received?.(chunk.length);
      // A registry that can't send parts sends the present bytes again.
      const fresh = chunk.subarray(Math.min(chunk.length, progress.length - at));
      at += chunk.length;
      if (at > blob.size) throw tooLong(endpoint, blob);
      if (fresh.length === 0) return;
      isWriting = true;
      const written = into.write(fresh);
      // The hash is computed while the kernel writes.
      progress.add(fresh);
      await written;
      isWriting = false;
    });
  } catch (error) {
    signal?.throwIfAborted();
    if (isWriting || error instanceof RegistryError) throw error;
    if (mayLeave && error instanceof Stalled && isAlive(error, timeouts)) {
      throw tooSlow(endpoint, expected, error);
    }
    throw connectionLost(endpoint, expected, error);
  }
}

/** Whether the endpoint was fast enough to be waited for if it were the only one. */
function isAlive({ bytes }: Stalled, { least, mirror }: Timeouts): boolean {
  return bytes / mirror.within >= least.bytes / least.within;
}

function tooShort(
  endpoint: Endpoint,
  { digest, size }: Blob,
  length: number,
  isPage = false,
): RegistryError {
  const hint =
    'try again; if this persists, the registry or a proxy on the way has lost a part of it';
  const expected = `${size} bytes of the blob ${digest}`;
  return failure('short-body', endpoint, expected, `${length}`, {
    hint: isPage ? webPageHint(endpoint.registry) : hint,
  });
}

function tooLong(endpoint: Endpoint, { digest, size }: Blob): RegistryError {
  return failure('bad-reply', endpoint, `${size} bytes of the blob ${digest}`, 'more', {
    hint: 'do not trust this registry, or a proxy on the way: it sends other content',
  });
}
