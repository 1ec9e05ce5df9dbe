import { deflateSync, gzipSync } from 'node:zlib';
import { type Draft, draftOf, withHeader } from './draft.ts';
import type { Framing } from './framing.ts';

/** One way in which a reply is odd on the wire, whatever it says. */
export type WireOddity =
  | { readonly kind: 'framing'; readonly framing: Framing }
  | { readonly kind: 'line-ends' }
  /** A header of so many kilobytes. */
  | { readonly kind: 'large-header'; readonly kilobytes: number }
  | { readonly kind: 'many-headers'; readonly count: number }
  | { readonly kind: 'header'; readonly line: string }
  | { readonly kind: 'version'; readonly version: string }
  | { readonly kind: 'reason'; readonly reason: string }
  /** The right body with another status. */
  | { readonly kind: 'status'; readonly status: number }
  /** Replies with this status before the real one. */
  | { readonly kind: 'informational'; readonly status: number; readonly count: number }
  | { readonly kind: 'before'; readonly text: string }
  | { readonly kind: 'after'; readonly text: string }
  | { readonly kind: 'ending'; readonly ending: Draft['ending'] }
  /** The connection is closed after this part of the body, from 0 to 1. */
  | { readonly kind: 'cut'; readonly part: number }
  | { readonly kind: 'late'; readonly milliseconds: number }
  /** The head comes in pieces of so many bytes. */
  | { readonly kind: 'pieces'; readonly bytes: number }
  /** The body is compressed, or only called so. */
  | { readonly kind: 'encoded'; readonly by: 'gzip' | 'deflate' | 'nothing'; readonly as: string }
  /** undefined: the header is left out. */
  | { readonly kind: 'type'; readonly type: string | undefined }
  | { readonly kind: 'digest'; readonly digest: string | undefined }
  | { readonly kind: 'altered' }
  /** A line break behind the body, as of a proxy that writes JSON anew. */
  | { readonly kind: 'longer' }
  | { readonly kind: 'head-with-body' }
  /** Something else altogether. */
  | {
      readonly kind: 'instead';
      readonly status: number;
      readonly type: string;
      readonly body: string;
    };

export function applyWire(oddity: WireOddity, draft: Draft): Draft {
  switch (oddity.kind) {
    case 'framing':
      return { ...draft, framing: oddity.framing };
    case 'line-ends':
      return { ...draft, lineEnd: '\n' };
    case 'large-header':
      return withLine(draft, `X-Large: ${'x'.repeat(oddity.kilobytes * 1024)}`);
    case 'many-headers': {
      const lines = Array.from({ length: oddity.count }, (_, i) => `X-Odd-${i}: ${i}`);
      return { ...draft, headers: [...lines, ...draft.headers] };
    }
    case 'header':
      return withLine(draft, oddity.line);
    case 'version':
      return { ...draft, version: oddity.version };
    case 'reason':
      return { ...draft, reason: oddity.reason };
    case 'status':
      return { ...draft, status: draft.status === 200 ? oddity.status : draft.status };
    case 'informational': {
      const reply = `HTTP/1.1 ${oddity.status} Wait${draft.lineEnd}Link: </x>${draft.lineEnd.repeat(2)}`;
      return { ...draft, before: draft.before + reply.repeat(oddity.count) };
    }
    case 'before':
      return { ...draft, before: draft.before + oddity.text };
    case 'after':
      return { ...draft, after: oddity.text };
    case 'ending':
      return { ...draft, ending: oddity.ending };
    case 'cut':
      return { ...draft, cut: Math.floor(draft.body.length * oddity.part) };
    case 'late':
      return { ...draft, delay: oddity.milliseconds };
    case 'pieces':
      return { ...draft, pieces: oddity.bytes };
    case 'encoded':
      return {
        ...withHeader(draft, 'Content-Encoding', oddity.as),
        body: encoded(oddity.by, draft),
      };
    case 'type':
      return withHeader(draft, 'Content-Type', oddity.type);
    case 'digest':
      return withHeader(draft, 'Docker-Content-Digest', oddity.digest);
    case 'altered':
      return { ...draft, body: altered(draft.body) };
    case 'longer':
      return { ...draft, body: Buffer.concat([draft.body, Buffer.from('\n')]) };
    case 'head-with-body':
      return { ...draft, headHasBody: true };
    case 'instead':
      return draftOf(oddity.status, { 'Content-Type': oddity.type }, oddity.body);
  }
}

function withLine(draft: Draft, line: string): Draft {
  return { ...draft, headers: [line, ...draft.headers] };
}

function encoded(by: 'gzip' | 'deflate' | 'nothing', { body }: Draft): Buffer {
  if (by === 'nothing') return body;
  return by === 'gzip' ? gzipSync(body, { level: 1 }) : deflateSync(body, { level: 1 });
}

function altered(body: Buffer): Buffer {
  const copy = Buffer.from(body);
  const middle = copy.length >> 1;
  copy[middle] = (copy[middle] ?? 0) ^ 1;
  return copy;
}
