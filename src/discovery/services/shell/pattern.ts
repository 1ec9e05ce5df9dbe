/**
 * Whether a text matches a pattern of the shell. Only `*` and `?` are understood.
 *
 * @returns undefined if the pattern is not understood.
 */
export function matches(text: string, pattern: string): boolean | undefined {
  if (/[[\\]/.test(pattern)) return undefined;
  // Two positions to go back to are enough: the last star, and where it matched up to.
  let [at, star, from] = [0, -1, 0];
  for (let i = 0; i < text.length; ) {
    const char = pattern[at];
    if (char === '*') {
      star = at++;
      from = i;
    } else if (char === '?' || char === text[i]) {
      at++;
      i++;
    } else if (star >= 0) {
      at = star + 1;
      i = ++from;
    } else return false;
  }
  return /^\**$/.test(pattern.slice(at));
}

/** The text without what the pattern of `${X%…}` or `${X#…}` matches; undefined if not understood. */
export function stripped(text: string, operator: string, pattern: string): string | undefined {
  // Each length is tried, so a long text costs too much.
  if (text.length > 1024 || /[[\\]/.test(pattern)) return undefined;
  const isShortest = operator.length === 1;
  for (let tried = 0; tried <= text.length; tried++) {
    const length = isShortest ? tried : text.length - tried;
    const [part, rest] = operator.startsWith('%')
      ? [text.slice(text.length - length), text.slice(0, text.length - length)]
      : [text.slice(0, length), text.slice(length)];
    if (matches(part, pattern) === true) return rest;
  }
  return text;
}
