/** The patterns that a source in TypeScript has between slashes. */
export function patternsIn(source: string): readonly RegExp[] {
  const found: RegExp[] = [];
  const token =
    /\/\/[^\n]*|\/\*[^]*?\*\/|'(?:[^'\\\n]|\\[^])*'|"(?:[^"\\\n]|\\[^])*"|`(?:[^`\\]|\\[^])*`|\/(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[dgimsuvy]*/g;
  for (const { 0: text, index } of source.matchAll(token)) {
    if (!text.startsWith('/') || /^\/[/*]/.test(text)) continue;
    // A slash behind a value divides.
    if (
      /[\w)\]}]$/.test(
        source
          .slice(0, index)
          .trimEnd()
          .replace(/\breturn$/, ''),
      )
    )
      continue;
    const end = text.lastIndexOf('/');
    found.push(new RegExp(text.slice(1, end), text.slice(end + 1)));
  }
  return found;
}
