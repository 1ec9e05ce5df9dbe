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
