import { encode, type Framing } from './framing.ts';

/** A reply before it is sent. Each oddity changes a part of it. Texts are Latin-1: one byte a character. */
export interface Draft {
  /** In milliseconds. */
  readonly delay: number;
  /** The size of the pieces in which the beginning is sent; undefined: all at once. */
  readonly pieces?: number;
  /** Sent before the status line. */
  readonly before: string;
  readonly version: string;
  readonly status: number;
  /** The text after the status, with the space before it. */
  readonly reason: string;
  /** Header lines without their ends. The framing adds its own. */
  readonly headers: readonly string[];
  readonly body: Buffer;
  readonly framing: Framing;
  readonly lineEnd: '\r\n' | '\n';
  /** Sent after the body. */
  readonly after: string;
  /** How many bytes of the body are sent before the connection is closed; all of them if undefined. */
  readonly cut?: number;
  /** What happens to the connection: it stays, or is closed or reset after the reply. */
  readonly ending: 'stays' | 'closed' | 'reset';
  /** Whether a reply to HEAD has a body, which HTTP forbids. */
  readonly headHasBody: boolean;
}

export function draftOf(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: Buffer | string = '',
): Draft {
  return {
    delay: 0,
    before: '',
    version: 'HTTP/1.1',
    status,
    reason: ' Odd',
    headers: Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    body: Buffer.from(body),
    framing: 'length',
    lineEnd: '\r\n',
    after: '',
    ending: 'stays',
    headHasBody: false,
  };
}

/** A refusal as distribution-spec, "Error Codes", has it. */
export function refusalOf(status: number, headers: Readonly<Record<string, string>> = {}): Draft {
  const body = JSON.stringify({ errors: [{ code: 'DENIED', message: 'as the test wants it' }] });
  // No time to wait: skopeo would wait for two seconds without it.
  const wait: Record<string, string> = status === 429 ? { 'Retry-After': '0' } : {};
  return draftOf(status, { 'Content-Type': 'application/json', ...wait, ...headers }, body);
}

/** Replaces every header of this name; undefined removes it. */
export function withHeader(draft: Draft, name: string, value: string | undefined): Draft {
  const isOther = (line: string) => !line.toLowerCase().startsWith(`${name.toLowerCase()}:`);
  const others = draft.headers.filter(isOther);
  return { ...draft, headers: value === undefined ? others : [...others, `${name}: ${value}`] };
}

/** The bytes of a reply, and what happens to the connection after it. */
export function onTheWire(
  draft: Draft,
  method: string,
): { readonly bytes: Buffer; readonly ending: Draft['ending'] } {
  const { before, version, status, reason, headers, lineEnd, after, cut } = draft;
  const { lines, body, closes } = encode(draft.framing, draft.body, lineEnd);
  const head = [`${version} ${status}${reason}`, ...headers, ...lines, '', ''].join(lineEnd);
  const hasBody = (method !== 'HEAD' || draft.headHasBody) && status !== 204 && status !== 304;
  const bytes = Buffer.concat([
    Buffer.from(before + head, 'latin1'),
    hasBody ? body.subarray(0, cut ?? body.length) : Buffer.alloc(0),
    Buffer.from(hasBody && cut === undefined ? after : '', 'latin1'),
  ]);
  const isCut = hasBody && (closes || cut !== undefined);
  return { bytes, ending: draft.ending === 'stays' && isCut ? 'closed' : draft.ending };
}
