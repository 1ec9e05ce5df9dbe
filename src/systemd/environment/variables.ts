import { splitWords } from '../words.ts';
import type { Environment } from './environment.ts';

/** The longest word of a command line that the kernel accepts (execve(2), `MAX_ARG_STRLEN`). */
export const longestWord = 128 * 1024;

/** The words that a word expands to, or why they are not known. */
export type ExpandedWords =
  | {
      readonly ok: true;
      readonly words: readonly string[];
      /** The values used in the words that come from files which not everybody may read. */
      readonly privateValues: readonly string[];
    }
  | { readonly ok: false; readonly message: string; readonly hint: string };

/**
 * Replaces the variables in one word of a command line. `${NAME}` is replaced anywhere. `$NAME`
 * is replaced only if it is the whole word, and its value is split into words. `$$` becomes `$`. Of
 * `${NAME:-default}` systemd replaces nothing: a shell may read it.
 *
 * systemd replaces an unset variable by nothing. Here it is an error instead, since systemd itself or
 * the kernel's command line may set the variable.
 *
 * Source: systemd.service(5), "Command lines"; systemd, src/basic/env-util.c, `replace_env_full`.
 */
export function expandVariables(word: string, environment: () => Environment): ExpandedWords {
  if (!word.includes('$')) return { ok: true, words: [word], privateValues: [] };
  const known = environment();
  if (!known.ok) return known;
  const privateValues: string[] = [];
  const valueOf = (name: string) => {
    const value = known.values.get(name);
    if (value !== undefined && known.values.isPrivate(name)) privateValues.push(value);
    return value;
  };
  if (word.startsWith('$') && word[1] !== '{' && word[1] !== '$') {
    const value = valueOf(word.slice(1));
    if (value === undefined) return unknown(word.slice(1));
    const words = splitWords(value, { escapes: false, relaxed: true }) ?? [];
    return { ok: true, words, privateValues };
  }
  const parts: string[] = [];
  let size = word.length;
  let at = 0;
  const endOfName = endsOfNames(word);
  for (let dollar = word.indexOf('$'); dollar >= 0; dollar = word.indexOf('$', at)) {
    parts.push(word.slice(at, dollar));
    const close = word[dollar + 1] === '{' ? endOfName(dollar + 2) : -1;
    if (word[close] === '}') {
      const name = word.slice(dollar + 2, close);
      const value = valueOf(name);
      if (value === undefined) return unknown(name);
      size += value.length;
      if (size > longestWord) return tooLong;
      parts.push(value);
      at = close + 1;
    } else {
      parts.push('$');
      at = dollar + (word[dollar + 1] === '$' ? 2 : 1);
    }
  }
  return { ok: true, words: [parts.join('') + word.slice(at)], privateValues };
}

/** Finds the `}` or `:` that ends a name; asked for ever later places, it takes time linear in the word. */
function endsOfNames(word: string): (from: number) => number {
  const stop = /[:}]/g;
  let found = 0;
  return (from) => {
    if (found >= from) return found;
    stop.lastIndex = from;
    found = stop.exec(word)?.index ?? word.length;
    return found;
  };
}

const tooLong: ExpandedWords = {
  ok: false,
  message: 'expected a word that the kernel takes, found one of more than 128 KiB',
  hint: 'shorten the values of its variables',
};

function unknown(name: string): ExpandedWords {
  // Show only valid names: other text may be part of a credential with a dollar sign in it.
  const shown = /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? ` ${name}` : '';
  return {
    ok: false,
    message: `expected the unit to set the variable${shown} that it uses, found no value`,
    hint: 'set it with Environment= in [Service], or write the value out; a plain $ is written $$',
  };
}
