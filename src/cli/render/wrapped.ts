/** A line of words broken between them where the terminal ends; elsewhere, where there is no width, it stays whole. */
export function wrapped(line: string, width: number | undefined): string {
  if (width === undefined) return line;
  return line.split(' ').reduce((text, word) => {
    const used = text.length - (text.lastIndexOf('\n') + 1);
    const fits = used + 1 + word.trimEnd().length <= width;
    return `${text}${fits ? ' ' : '\n'}${word}`;
  });
}
