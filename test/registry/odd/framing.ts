/** How a body is framed: headers, the encoded body, and whether only the end of the connection ends it. */
interface Framed {
  readonly lines: readonly string[];
  readonly body: Buffer;
  readonly closes: boolean;
}

/** Ways to say where a body ends: RFC 9112, section 6, and what servers make of it. */
const FRAMINGS = {
  length: (body) => framed([length(body)], body),
  close: (body) => framed(['Connection: close'], body, true),
  'close without a word': (body) => framed([], body, true),
  chunked: (body, end) => framed([CHUNKED], chunks(body, end)),
  'length and chunked': (body, end) => framed([length(body), CHUNKED], chunks(body, end)),
  'chunked and length': (body, end) => framed([CHUNKED, length(body)], chunks(body, end)),
  'wrong length and chunked': (body, end) => framed([length(body, 7), CHUNKED], chunks(body, end)),
  'no length and chunked': (body, end) => framed(['Content-Length: 0', CHUNKED], chunks(body, end)),
  'length twice': (body) => framed([length(body), length(body)], body),
  'length three times in one': (body) =>
    framed([`${length(body)}, ${body.length},${body.length}`], body),
  'two lengths': (body) => framed([length(body), length(body, 1)], body),
  'length with plus': (body) => framed([`Content-Length: +${body.length}`], body),
  'length with zeros': (body) => framed([`Content-Length: 000${body.length}`], body),
  'length in spaces': (body) => framed([`Content-Length: \t ${body.length} \t`], body),
  'empty length': (body) => framed(['Content-Length:'], body, true),
  'too long a length': (body) => framed([length(body, 3)], body, true),
  'too short a length': (body) => framed([length(body, body.length > 0 ? -1 : 0)], body),
  'chunked in capitals': (body, end) => framed(['TRANSFER-ENCODING: CHUNKED'], chunks(body, end)),
  'chunked twice': (body, end) => framed([CHUNKED, CHUNKED], chunks(body, end)),
  'identity and chunked': (body, end) =>
    framed(['Transfer-Encoding: identity, chunked'], chunks(body, end)),
  identity: (body) => framed(['Transfer-Encoding: identity', length(body)], body),
  'chunk extensions': (body, end) =>
    framed(
      [CHUNKED],
      chunks(body, end, (size) => `${size};name="a;b";c`),
    ),
  'chunk sizes with zeros': (body, end) =>
    framed(
      [CHUNKED],
      chunks(body, end, (size) => `000${size}`),
    ),
  'chunk sizes in capitals': (body, end) =>
    framed(
      [CHUNKED],
      chunks(body, end, (size) => size.toUpperCase()),
    ),
  'chunk sizes with spaces': (body, end) =>
    framed(
      [CHUNKED],
      chunks(body, end, (size) => `${size} \t`),
    ),
  'chunk lines with LF': (body) => framed([CHUNKED], chunks(body, '\n')),
  trailers: (body, end) =>
    framed(
      [CHUNKED, 'Trailer: X-Sum'],
      chunks(body, end, (size) => size, `X-Sum: 1${end}`),
    ),
  'no last chunk': (body, end) => {
    const whole = chunks(body, end);
    return framed([CHUNKED], whole.subarray(0, whole.length - 1 - 2 * end.length), true);
  },
} as const satisfies Readonly<Record<string, (body: Buffer, end: string) => Framed>>;

export type Framing = keyof typeof FRAMINGS;

export const framings = Object.keys(FRAMINGS) as readonly Framing[];

export function encode(framing: Framing, body: Buffer, lineEnd: string): Framed {
  return FRAMINGS[framing](body, lineEnd);
}

const CHUNKED = 'Transfer-Encoding: chunked';

/** In bytes: a large body has some twenty of them, a small one a single chunk. */
const CHUNK = 10_000;

function framed(lines: readonly string[], body: Buffer, closes = false): Framed {
  return { lines, body, closes };
}

function length(body: Buffer, more = 0): string {
  return `Content-Length: ${body.length + more}`;
}

function chunks(
  body: Buffer,
  lineEnd: string,
  spell: (size: string) => string = (size) => size,
  trailers = '',
): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; at += CHUNK) {
    const chunk = body.subarray(at, at + CHUNK);
    const size = spell(chunk.length.toString(16));
    parts.push(Buffer.from(size + lineEnd), chunk, Buffer.from(lineEnd));
  }
  return Buffer.concat([...parts, Buffer.from(`0${lineEnd}${trailers}${lineEnd}`)]);
}
