/** The patterns that a source in TypeScript has between slashes, also in the expressions of templates. */
export function patternsIn(source: string): readonly RegExp[] {
  const found: RegExp[] = [];
  // For each template around: how many braces are open in its expression.
  const open: number[] = [];
  const token =
    /\/\/[^\n]*|\/\*[^]*?\*\/|'(?:[^'\\\n]|\\[^])*'|"(?:[^"\\\n]|\\[^])*"|\/(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[dgimsuvy]*|[`{}]/g;
  for (let match = token.exec(source); match !== null; match = token.exec(source)) {
    const [text] = match;
    const braces = open.at(-1);
    if (text === '`') {
      token.lastIndex = endOfText(source, token.lastIndex, open);
    } else if (text === '}' && braces === 0) {
      open.pop();
      token.lastIndex = endOfText(source, token.lastIndex, open);
    } else if (text === '{' || text === '}') {
      if (braces !== undefined) open[open.length - 1] = braces + (text === '{' ? 1 : -1);
    } else if (/^\/[^/*]/.test(text)) {
      if (isDivision(source.slice(0, match.index))) {
        token.lastIndex = match.index + 1;
        continue;
      }
      const end = text.lastIndexOf('/');
      found.push(new RegExp(text.slice(1, end), text.slice(end + 1)));
    }
  }
  return found;
}

/** Where the text of a template ends: behind its last backtick, or behind the `${` of an expression. */
function endOfText(source: string, from: number, open: number[]): number {
  const text = /(?:[^`\\$]|\\[^]|\$(?!\{))*(`|\$\{)/y;
  text.lastIndex = from;
  const found = text.exec(source);
  if (found === null) throw new Error(`a template without an end, at ${from}`);
  if (found[1] === '${') open.push(0);
  return text.lastIndex;
}

/** A slash behind a value divides. */
function isDivision(before: string): boolean {
  return /[\w)\]}]$/.test(before.trimEnd().replace(/\breturn$/, ''));
}
