/** The most values of one reply, or of one element of a list: those of 50,000 images, of which each has 20. */
const MOST_VALUES = 1_000_000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** Each begins a value: a comma, a list, an object. */
const BEGINS: ReadonlySet<number> = new Set([0x2c, 0x5b, 0x7b]);

/**
 * Whether a text in JSON has more values than may be parsed. Two bytes of text can be an object of fifty bytes, so a
 * limit for the text alone does not bound memory.
 */
export function hasTooManyValues(text: string): boolean {
  if (text.length <= MOST_VALUES) return false;
  let values = 0;
  let isString = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) isString = !isString;
    else if (isString && code === BACKSLASH) at++;
    else if (!isString && BEGINS.has(code)) values++;
  }
  return values > MOST_VALUES;
}

/** In bytes: what V8 takes for an object or a string besides its content, and for the place of a value in an object. */
const HEADER = 32;
const PLACE = 8;

/** About how much memory a parsed value takes, in bytes. */
export function weightOf(value: unknown): number {
  let bytes = 0;
  const open = [value];
  while (open.length > 0) {
    const next = open.pop();
    bytes += PLACE;
    if (typeof next === 'string') bytes += HEADER + next.length;
    if (typeof next !== 'object' || next === null) continue;
    bytes += HEADER;
    for (const [key, inner] of Object.entries(next)) {
      bytes += Array.isArray(next) ? 0 : key.length;
      open.push(inner);
    }
  }
  return bytes;
}
