/**
 * Whether a glob matches the whole text: `*` matches any run of characters (`/` too, since image
 * names are not paths), `?` any one character, and every other character only itself.
 *
 * Takes at most `pattern.length × text.length` steps, because only the last `*` is ever retried.
 */
export function globMatches(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let starText = 0;
  while (t < text.length) {
    if (pattern[p] === '*') {
      star = p++;
      starText = t;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[t])) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++starText;
    } else {
      return false;
    }
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}
