/** The first line that opens the table or sets the key, because the parser gives no positions. */
export function lineOfKey(text: string, key: string): number | undefined {
  const index = text.split('\n').findIndex((line) => {
    const start = line.replace(/^[\s["']+/, '');
    return start.startsWith(key) && /^["'\s]*[\].=]/.test(start.slice(key.length));
  });
  return index < 0 ? undefined : index + 1;
}
