import type { Option } from 'commander';

/** The words of a command line before the one that is being typed. */
export interface ReadWords {
  /** The option whose value the next word is. */
  readonly waiting?: Option;
  /** The values of options, by the name that commander gives to each: `stateDir`. */
  readonly given: ReadonlyMap<string, string>;
  /** How many words are no options. */
  readonly operands: number;
  /** `--` was among the words: no option follows. */
  readonly onlyOperands: boolean;
}

/** Reads words as commander does, but for mistakes: whoever types has not finished. */
export function readWords(words: readonly string[], options: readonly Option[]): ReadWords {
  const given = new Map<string, string>();
  let operands = 0;
  let waiting: Option | undefined;
  for (const [at, word] of words.entries()) {
    if (waiting !== undefined) {
      given.set(waiting.attributeName(), word);
      waiting = undefined;
    } else if (word === '--') {
      return { given, operands: operands + words.length - at - 1, onlyOperands: true };
    } else if (word.startsWith('-') && word !== '-') {
      const [flag = '', ...value] = word.split('=');
      const option = options.find(({ short, long }) => flag === short || flag === long);
      if (option === undefined) continue;
      if (value.length > 0) given.set(option.attributeName(), value.join('='));
      else if (option.required) waiting = option;
      else given.set(option.attributeName(), '');
    } else operands++;
  }
  return { given, operands, onlyOperands: false, ...(waiting === undefined ? {} : { waiting }) };
}
