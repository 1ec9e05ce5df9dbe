import type { ServerResponse } from 'node:http';
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
  /** The connection is reset after so many bytes of the body. */
  | { readonly kind: 'reset'; readonly after: number }
  /** Nothing more comes after so many bytes of the body, and the connection stays. */
  | { readonly kind: 'stall'; readonly after: number };

/** Sends the answer with the fault in it, and returns how many bytes its body has. */
export function answerWithFault(fault: Fault, answer: Answer, response: ServerResponse): number {
  if ('status' in fault) {
    const body = Buffer.from(fault.body ?? '');
    response.writeHead(fault.status, { ...fault.headers, 'content-length': body.length });
    response.end(body);
    return body.length;
  }
  const { body } = answer;
  const head = (length: number) =>
    response.writeHead(answer.status, { ...answer.headers, 'content-length': length });
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
    case 'stall':
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
