/** A part of a pattern: any run of characters, or one character of a kind. */
export type Piece = '*' | ((char: string) => boolean);

/**
 * Whether pieces match a whole text. Takes at most `text.length × pieces.length` steps, because only the
 * last `*` is ever retried.
 */
export function matchesWhole(text: string, pieces: readonly Piece[]): boolean {
  let at = 0;
  let star = -1;
  let retry = 0;
  for (let i = 0; i < text.length; ) {
    const piece = pieces[at];
    if (piece === '*') {
      star = at++;
      retry = i;
    } else if (piece?.(text[i] ?? '') === true) {
      at++;
      i++;
    } else if (star < 0) return false;
    else {
      at = star + 1;
      i = ++retry;
    }
  }
  while (pieces[at] === '*') at++;
  return at === pieces.length;
}
