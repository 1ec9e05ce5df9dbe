/** In bytes: the largest head of a reply. Registries with large tokens in redirects need some 20 KB. */
export const MAX_HEAD = 1024 * 1024;

/** The most headers of a reply that are kept. */
export const MAX_HEADERS = 10_000;

/** How many heads may come before that of the reply: servers send one or two. */
export const MAX_INFORMATION = 100;

/** The message if there are more than `MAX_INFORMATION`. */
export const ENDLESS = `more than ${MAX_INFORMATION} heads before the reply`;

/** A reply is not HTTP, or contradicts itself. */
export class NotHttp extends Error {}

/** The status line and headers of a reply. */
export interface Head {
  /** The minor version: HTTP/1.0 has no chunks. */
  readonly minor: 0 | 1;
  readonly status: number;
  readonly reason: string;
  /** Names in lower case; a repeated header is listed as often. */
  readonly headers: readonly Header[];
}

export type Header = readonly [name: string, value: string];

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

/** Collects the bytes of a head up to the empty line that ends it, however they are cut. */
export class HeadBytes {
  readonly #chunks: Buffer[] = [];
  #length = 0;
  #isLineEmpty = false;

  /**
   * Adds the next bytes.
   *
   * @returns the whole head, and the bytes after it; undefined while it is not whole.
   * @throws {NotHttp} if it is too long.
   */
  add(chunk: Buffer): { readonly head: Buffer; readonly rest: Buffer } | undefined {
    const end = this.#endIn(chunk);
    const part = end === undefined ? chunk : chunk.subarray(0, end);
    this.#length += part.length;
    if (this.#length > MAX_HEAD) throw new NotHttp(`headers of more than ${MAX_HEAD} bytes`);
    this.#chunks.push(part);
    if (end === undefined) return undefined;
    return { head: Buffer.concat(this.#chunks), rest: chunk.subarray(end) };
  }

  #endIn(chunk: Buffer): number | undefined {
    for (const [index, byte] of chunk.entries()) {
      if (byte === LINE_FEED && this.#isLineEmpty) return index + 1;
      if (byte === LINE_FEED) this.#isLineEmpty = true;
      else if (byte !== CARRIAGE_RETURN) this.#isLineEmpty = false;
    }
    return undefined;
  }
}

/**
 * Parses a head as leniently as any version of Go's net/http, on which every engine is built: lines may end
 * in a bare LF, a header may have control characters or go on in the next line, and a line that is no header
 * is skipped.
 *
 * @throws {NotHttp}
 */
export function parseHead(bytes: Buffer): Head {
  const [first = '', ...lines] = unfolded(bytes.toString('latin1')).split('\n');
  const [, major, minor, status, reason = ''] =
    /^HTTP\/(\d)\.(\d) +(\d{3})(?: (.*))?$/.exec(clean(first)) ?? [];
  if (status === undefined) {
    throw new NotHttp(`a reply that begins with ${JSON.stringify(clean(first).slice(0, 40))}`);
  }
  const isOld = major === '0' || (major === '1' && minor === '0');
  return {
    minor: isOld ? 0 : 1,
    status: Number(status),
    reason,
    headers: lines.flatMap(headerIn),
  };
}

/** The text with one line for each header: RFC 9112, section 5.2. */
function unfolded(text: string): string {
  return text.replace(/^[\r\n]+/, '').replace(/\r?\n[ \t]+/g, ' ');
}

function headerIn(line: string): readonly Header[] {
  const colon = line.indexOf(':');
  const name = line.slice(0, colon).toLowerCase();
  const isName = colon > 0 && /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name);
  return isName ? [[name, clean(line.slice(colon + 1))]] : [];
}

/** A text without control characters, and without spaces around. */
function clean(text: string): string {
  // oxlint-disable-next-line no-control-regex -- They are what is removed.
  return text.replace(/[\0-\x08\x0a-\x1f\x7f]/g, '').trim();
}

/**
 * A head that means the same to every parser, for a connection that serves one request: chunks go before a length,
 * and a repeated length counts once, as in Go.
 *
 * @throws {NotHttp} for lengths that contradict each other.
 */
export function plainHead({ minor, status, reason, headers }: Head): Buffer {
  const others = headers.filter(([name]) => !FRAMING.includes(name));
  const lines: readonly Header[] = [
    ...others,
    ...framingOf(minor, headers),
    // With this header Node ignores bytes that follow a whole body.
    ['connection', 'close'],
  ];
  const text = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.from(`HTTP/1.${minor} ${status} ${reason}\r\n${text}\r\n`, 'latin1');
}

const FRAMING = ['connection', 'content-length', 'transfer-encoding'];

function framingOf(minor: 0 | 1, headers: readonly Header[]): readonly Header[] {
  const valuesOf = (wanted: string) =>
    headers.filter(([name]) => name === wanted).map(([, value]) => value);
  // `identity`, of an earlier HTTP, means none.
  const encodings = valuesOf('transfer-encoding').filter(
    (value) => minor === 1 && isChunked(value),
  );
  if (encodings.length > 0) return encodings.map((value) => ['transfer-encoding', value]);
  const [length, ...others] = [...new Set(valuesOf('content-length'))];
  if (others.length > 0) throw new NotHttp('several lengths that contradict each other');
  return length === undefined || length === '' ? [] : [['content-length', length]];
}

/** Whether the body comes in chunks. */
export function comesInChunks({ minor, headers }: Head): boolean {
  const says = ([name, value]: Header) => name === 'transfer-encoding' && isChunked(value);
  return minor === 1 && headers.some(says);
}

/** Whether a `Transfer-Encoding` says that a body comes in chunks. */
export function isChunked(encoding: string): boolean {
  return /(^|,)\s*chunked\s*$/i.test(encoding);
}
