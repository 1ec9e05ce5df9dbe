const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** Each begins a value: a comma, a list, an object. */
const BEGINS: ReadonlySet<number> = new Set([0x2c, 0x5b, 0x7b]);

/**
 * Whether a text in JSON has more values than may be parsed. Two bytes of text can be an object of fifty bytes, so a
 * limit for the text alone bounds neither memory nor time.
 */
export function hasMoreValues(text: string, most: number): boolean {
  if (text.length <= most) return false;
  let values = 0;
  let isString = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) isString = !isString;
    else if (isString && code === BACKSLASH) at++;
    else if (!isString && BEGINS.has(code)) values++;
  }
  return values > most;
}
