/** A text without some characters at its end, in linear time: a pattern such as `/x+$/` takes quadratic time. */
export function trimmedEnd(text: string, characters: string): string {
  let end = text.length;
  while (end > 0 && characters.includes(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}
