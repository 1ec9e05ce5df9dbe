import type { Fault } from '../problem.ts';
import type { OptionTable } from './option-tables.ts';
import type { Word } from './words.ts';

/** An option of a command line. */
export interface Option {
  /** The long name without dashes. */
  readonly name: string;
  /** The value; absent for a flag without one. */
  readonly value?: Word;
}

export type Split =
  | { readonly ok: true; readonly options: readonly Option[]; readonly rest: readonly Word[] }
  | { readonly ok: false; readonly fault: Fault };

export interface SplitBy {
  /** The known options; an earlier table takes precedence. */
  readonly tables: readonly OptionTable[];
  /** Whether options may follow the first word that is not an option. */
  readonly interspersed: boolean;
}

/**
 * Separates a command's options from its other words, as the Go library pflag and getopt_long do.
 *
 * An unknown option is a fault, because the next word may or may not be its value.
 */
export function splitOptions(words: readonly Word[], { tables, interspersed }: SplitBy): Split {
  const options: Option[] = [];
  const rest: Word[] = [];
  const find = (name: string) => {
    const table = tables.find(({ names }) => names.has(name));
    const long = table?.names.get(name);
    return table === undefined || long === undefined
      ? undefined
      : { name: long, isFlag: table.flags.has(long) };
  };
  for (let at = 0; at < words.length; at++) {
    const word = words[at];
    if (word === undefined) break;
    // A word that begins with plain text is at least one word and not an option.
    const unclear = word.several === true && /^[-$*?[~]/.test(word.text);
    if (unclear && word.fault !== undefined) return { ok: false, fault: word.fault };
    if (word.text === '--') return { ok: true, options, rest: [...rest, ...words.slice(at + 1)] };
    if (!word.text.startsWith('-') || word.text === '-') {
      if (!interspersed) return { ok: true, options, rest: words.slice(at) };
      rest.push(word);
      continue;
    }
    const found = word.text.startsWith('--') ? longOption(word, find) : shortOptions(word, find);
    if (found === undefined) return { ok: false, fault: unknownOption(word) };
    for (const option of found.options) options.push(option);
    if (found.wants === undefined) continue;
    const value = words[++at];
    if (value?.several === true && value.fault !== undefined) {
      return { ok: false, fault: value.fault };
    }
    options.push({ name: found.wants, ...(value === undefined ? {} : { value }) });
  }
  return { ok: true, options, rest };
}

type Find = (name: string) => { readonly name: string; readonly isFlag: boolean } | undefined;

interface FoundOptions {
  readonly options: readonly Option[];
  /** The option whose value is the next word. */
  readonly wants?: string;
}

function longOption(word: Word, find: Find): FoundOptions | undefined {
  const equals = word.text.indexOf('=');
  const option = find(word.text.slice(2, equals < 0 ? undefined : equals));
  if (option === undefined) return undefined;
  if (equals >= 0) {
    const value = { ...word, text: word.text.slice(equals + 1) };
    return { options: [{ name: option.name, value }] };
  }
  return option.isFlag ? { options: [{ name: option.name }] } : { options: [], wants: option.name };
}

/** Reads short options in one word: `-dit`, `-p80:80`, `-eFOO`, `-i=false`. */
function shortOptions(word: Word, find: Find): FoundOptions | undefined {
  const options: Option[] = [];
  for (let at = 1; at < word.text.length; at++) {
    const option = find(word.text.charAt(at));
    if (option === undefined) return undefined;
    const behind = word.text.slice(at + 1);
    if (option.isFlag && !behind.startsWith('=')) {
      options.push({ name: option.name });
      continue;
    }
    if (behind === '') return { options, wants: option.name };
    const text = behind.startsWith('=') ? behind.slice(1) : behind;
    return { options: [...options, { name: option.name, value: { ...word, text } }] };
  }
  return { options };
}

function unknownOption(word: Word): Fault {
  // Show only the name: the rest of the word may be a secret.
  const name = /^--?[A-Za-z][\w-]*/.exec(word.text)?.[0];
  const shown = name === undefined || !name.startsWith('--') ? 'an unknown one' : name;
  return (
    word.fault ?? {
      code: 'command-line',
      message: `expected options that berth knows, found ${shown}, which may or may not take a value`,
      hint: 'correct the option, or write the image in a Quadlet unit',
    }
  );
}
