import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Answer } from './registry-answer.ts';

/** One way in which a registry, or the network before it, goes wrong. */
export type Fault =
  /** Another answer: an error, or a redirect with its `location`. */
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string | Buffer;
    }
  /** One byte of the body is another, so that its digest is. */
  | { readonly kind: 'altered' }
  /** A reply that is complete by its headers, with so many bytes less than it should have. */
  | { readonly kind: 'truncated'; readonly missing: number }
  /** More than it should be, without a length in the headers. */
  | { readonly kind: 'longer'; readonly extra: Buffer }
  /** As before, and it goes on until the other side has enough. */
  | { readonly kind: 'endless' }
  /** The right answer, so many milliseconds later. */
  | { readonly kind: 'late'; readonly by: number }
  /** So many bytes of the body every so many milliseconds. */
  | { readonly kind: 'slow'; readonly bytes: number; readonly every: number }
  /** The right body, called something else. */
  | { readonly kind: 'mislabelled'; readonly mediaType: string }
  /** The right body, with another digest in the headers. */
  | { readonly kind: 'misnamed' }
  /** The connection is reset before any answer. */
  | { readonly kind: 'reset-at-once' }
  /** The connection is closed after so many bytes of the body, all of which arrive. */
  | { readonly kind: 'cut'; readonly after: number }
  /** The connection is reset after so many bytes of the body, not all of which need arrive. */
  | { readonly kind: 'reset'; readonly after: number }
  /** Nothing more comes after so many bytes of the body, and the connection stays until the client leaves. */
  | { readonly kind: 'stall'; readonly after: number; readonly onLeft?: () => void };

/**
 * Sends the answer with the fault in it.
 *
 * @param sent is told how many bytes of a body go out.
 */
export function answerWithFault(
  fault: Fault,
  answer: Answer,
  response: ServerResponse,
  sent: (bytes: number) => void,
): void {
  if ('kind' in fault && fault.kind === 'late') {
    const { status, headers, body } = answer;
    sent(body.length);
    setTimeout(() => response.writeHead(status, headers).end(body), fault.by);
    return;
  }
  if ('kind' in fault && (fault.kind === 'endless' || fault.kind === 'slow')) {
    void trickle(fault, answer, response, sent);
    return;
  }
  sent(answerAtOnce(fault, answer, response));
}

type Lasting = Extract<Fault, { readonly kind: 'endless' | 'slow' }>;

async function trickle(
  fault: Lasting,
  { status, headers, body }: Answer,
  response: ServerResponse,
  sent: (bytes: number) => void,
): Promise<void> {
  const isSlow = fault.kind === 'slow';
  response.writeHead(status, { ...headers, ...(isSlow ? { 'content-length': body.length } : {}) });
  const more = body.length === 0 ? Buffer.alloc(1) : body;
  const end = isSlow ? body.length : Number.POSITIVE_INFINITY;
  for (let at = 0; at < end && !response.destroyed; ) {
    const from = at % more.length;
    const piece = more.subarray(from, isSlow ? from + fault.bytes : more.length);
    at += piece.length;
    sent(piece.length);
    await new Promise<void>((resolve) => {
      response.once('close', resolve);
      response.write(piece, () => {
        response.off('close', resolve);
        resolve();
      });
    });
    if (isSlow) await delay(fault.every, undefined, { ref: false });
  }
  response.end();
}

/** @returns how many bytes the body has. */
function answerAtOnce(
  fault: Exclude<Fault, Lasting | { readonly kind: 'late' }>,
  answer: Answer,
  response: ServerResponse,
): number {
  if ('status' in fault) {
    const body = Buffer.from(fault.body ?? '');
    response.writeHead(fault.status, { ...fault.headers, 'content-length': body.length });
    response.end(body);
    return body.length;
  }
  const { body } = answer;
  const head = (length: number, more: Readonly<Record<string, string>> = {}) =>
    response.writeHead(answer.status, { ...answer.headers, 'content-length': length, ...more });
  switch (fault.kind) {
    case 'altered':
      head(body.length).end(altered(body));
      return body.length;
    case 'truncated': {
      const part = body.subarray(0, Math.max(0, body.length - fault.missing));
      head(part.length).end(part);
      return part.length;
    }
    case 'longer':
      response.writeHead(answer.status, answer.headers).end(Buffer.concat([body, fault.extra]));
      return body.length + fault.extra.length;
    case 'reset':
      head(body.length).write(body.subarray(0, fault.after), () =>
        response.socket?.resetAndDestroy(),
      );
      return fault.after;
    case 'cut':
      head(body.length).write(body.subarray(0, fault.after), () => response.socket?.end());
      return Math.min(body.length, fault.after);
    case 'mislabelled':
      response.writeHead(answer.status, { ...answer.headers, 'content-type': fault.mediaType });
      response.end(body);
      return body.length;
    case 'misnamed':
      head(body.length, { 'docker-content-digest': `sha256:${'0'.repeat(64)}` }).end(body);
      return body.length;
    case 'reset-at-once':
      response.socket?.resetAndDestroy();
      return 0;
    case 'stall':
      if (fault.onLeft !== undefined) response.once('close', fault.onLeft);
      head(body.length).write(body.subarray(0, fault.after));
      return fault.after;
  }
}

function altered(body: Buffer): Buffer {
  const copy = Buffer.from(body);
  const middle = copy.length >> 1;
  copy[middle] = (copy[middle] ?? 0) ^ 1;
  return copy;
}
