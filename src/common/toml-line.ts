/**
 * A function that gives the first line which opens a table or sets a key, because the parser gives no
 * positions. It goes through the text once, however many keys are asked for.
 */
export function linesOfKeys(text: string): (key: string) => number | undefined {
  const lines = new Map<string, number>();
  for (const [index, line] of text.split('\n').entries()) {
    const [, double, single, bare] = KEY.exec(line) ?? [];
    const key = double ?? single ?? bare;
    if (key !== undefined && !lines.has(key)) lines.set(key, index + 1);
  }
  return (key) => lines.get(key);
}

/** The first key of a line: `key =`, `"key" =`, `[table]`, `[[table]]`, `table.key =`. */
const KEY = /^[\s[]*(?:"([^"]*)"|'([^']*)'|([^\s[\].="'][^\s\].=]*))\s*[\].=]/;
