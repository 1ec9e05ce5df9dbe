import { cutShort } from '../../common/concealed.ts';
import type { Fault } from '../problem.ts';
import { deepestForm, variableAt } from '../variable-form.ts';

/** An expanded word, or the fault of the first variable that can't be replaced. */
export type Word =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly fault: Fault };

/** The longest expanded word: image names are far shorter, but build arguments may be long. */
const longestWord = 64 * 1024;

/** Splits a line at white space outside quotes; quotes and escapes stay in the words. */
export function splitWords(text: string, escape: string): string[] {
  const words: string[] = [];
  let start = -1;
  let quote = '';
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i);
    if (quote === '' && /\s/.test(char)) {
      if (start >= 0) words.push(text.slice(start, i));
      start = -1;
      continue;
    }
    if (start < 0) start = i;
    if (char === quote) quote = '';
    else if (quote === '' && (char === '"' || char === "'")) quote = char;
    else if (char === escape && quote !== "'") i++;
  }
  if (start >= 0) words.push(text.slice(start));
  return words;
}

/**
 * Removes the quotes of a word and replaces its variables (Dockerfile reference, "Environment
 * replacement"). Builders replace an unset variable by nothing. The result would be an image that
 * nobody meant, so an unset variable is a fault here.
 *
 * @param valueOf returns undefined for a variable that is not set.
 */
export function expandWord(
  text: string,
  escape: string,
  valueOf: (name: string) => string | undefined,
  depth = 0,
): Word {
  let result = '';
  let quote = '';
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i);
    if (char === quote) quote = '';
    else if (quote === '' && (char === '"' || char === "'")) quote = char;
    else if (char === escape && quote !== "'") result += text[++i] ?? '';
    else if (char !== '$' || quote === "'") result += char;
    else {
      const form = variableAt(text, i);
      if (form === undefined || depth > deepestForm) return { ok: false, fault: unreadable(text) };
      const { name, operator, word } = form;
      const value = valueOf(name);
      const given = operator.startsWith(':')
        ? value !== undefined && value !== ''
        : value !== undefined;
      if (operator.endsWith('+') ? given : !given && operator.endsWith('-')) {
        const inner = expandWord(word, escape, valueOf, depth + 1);
        if (!inner.ok) return inner;
        result += inner.text;
      } else if (!operator.endsWith('+')) {
        if (!given || value === undefined) return { ok: false, fault: unset(name) };
        result += value;
      }
      // Nested variables grow exponentially.
      if (result.length > longestWord) return { ok: false, fault: tooLong };
      i = form.end - 1;
    }
  }
  return { ok: true, text: result };
}

const tooLong: Fault = {
  code: 'containerfile',
  message: `expected a word of at most ${longestWord} characters, found more in its variables`,
  hint: 'shorten the variables',
};

function unset(name: string): Fault {
  return {
    code: 'variable',
    message: `expected a value for the variable ${name}, found none`,
    hint: `give ${name} a default with ARG before the first FROM, or pass it as a build argument`,
  };
}

function unreadable(text: string): Fault {
  const shown = cutShort(text, 100);
  return {
    code: 'containerfile',
    message: `expected $NAME or \${NAME}, with a default or without, found ${JSON.stringify(shown)}`,
    hint: 'write the variable in a form that every builder knows',
  };
}
