/** A variable `$NAME` or `${NAME…}`, as written in shells, Containerfiles and Compose files. */
export interface VariableForm {
  readonly name: string;
  /** `-`, `:-`, `+`, `:+`, `?` or `:?`; empty for the plain forms. */
  readonly operator: string;
  /** The text after the operator, which may contain further variables. */
  readonly word: string;
  /** The index after the variable. */
  readonly end: number;
}

/** The levels of variables within variables that are read: the text of each level is read again. */
export const deepestForm = 16;

/** The variable that begins with the `$` at `start`; undefined if there is none. */
export function variableAt(text: string, start: number): VariableForm | undefined {
  if (text[start + 1] !== '{') {
    const name = nameAt(text, start + 1);
    return name === '' ? undefined : { name, operator: '', word: '', end: start + 1 + name.length };
  }
  const close = closingBrace(text, start + 2);
  const name = nameAt(text, start + 2);
  if (close === undefined || name === '') return undefined;
  const rest = text.slice(start + 2 + name.length, close);
  const operator = /^:?[-+?]/.exec(rest)?.[0] ?? '';
  // Forms such as `${NAME/a/b}` mean different things to different programs.
  if (operator === '' && rest !== '') return undefined;
  return { name, operator, word: rest.slice(operator.length), end: close + 1 };
}

function nameAt(text: string, start: number): string {
  const pattern = /[A-Za-z_][A-Za-z0-9_]*/y;
  pattern.lastIndex = start;
  return pattern.exec(text)?.[0] ?? '';
}

function closingBrace(text: string, start: number): number | undefined {
  let depth = 1;
  for (let i = start; i < text.length; i++) {
    if (text[i] === '$' && text[i + 1] === '{') depth++;
    else if (text[i] === '}' && --depth === 0) return i;
  }
  return undefined;
}
