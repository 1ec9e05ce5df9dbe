type Fields = Iterable<readonly [string, string]> | Readonly<Record<string, string>>;

/**
 * What the gRPC library uses of the class `Headers`. scripts/esbuild.mjs puts this class in the place of Node's, with
 * which Node loads its whole HTTP client: that takes as long as the start of Node, and megabytes.
 */
class LightHeaders {
  readonly #fields = new Map<string, string>();

  constructor(fields: Fields = {}) {
    const pairs = Symbol.iterator in fields ? fields : Object.entries(fields);
    for (const [name, value] of pairs) this.append(name, value);
  }

  get(name: string): string | null {
    return this.#fields.get(name.toLowerCase()) ?? null;
  }

  has(name: string): boolean {
    return this.#fields.has(name.toLowerCase());
  }

  set(name: string, value: string): void {
    this.#fields.set(checkedName(name), checkedValue(value));
  }

  append(name: string, value: string): void {
    const before = this.get(name);
    this.set(name, before === null ? value : `${before}, ${checkedValue(value)}`);
  }

  delete(name: string): void {
    this.#fields.delete(name.toLowerCase());
  }

  forEach(use: (value: string, name: string) => void): void {
    for (const [name, value] of this) use(value, name);
  }

  [Symbol.iterator](): Iterator<[string, string]> {
    return [...this.#fields].toSorted(byName)[Symbol.iterator]();
  }
}

export { LightHeaders as Headers };

function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1;
}

/** Source: fetch.spec.whatwg.org, "header name": a token of RFC 9110. */
function checkedName(name: string): string {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) throw new TypeError(`no header name: ${name}`);
  return name.toLowerCase();
}

/** Source: the same, "header value", after its white space at both ends is removed. */
function checkedValue(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isBlank(value[start])) start++;
  while (end > start && isBlank(value[end - 1])) end--;
  const text = value.slice(start, end);
  // oxlint-disable-next-line no-control-regex -- these characters end a header
  if (/[\0\n\r]|[^\0-\xff]/.test(text)) throw new TypeError('no header value');
  return text;
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t' || character === '\n' || character === '\r';
}
