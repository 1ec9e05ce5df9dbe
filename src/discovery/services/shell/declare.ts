import type { Word } from '../words.ts';
import { NotUnderstood } from './cursor.ts';
import type { State, Value } from './state.ts';
import { kept, loseAll, setVariable, unknownValue } from './variables.ts';

/** An argument of `export` and its like. */
export interface Declared {
  readonly name: string;
  /** Absent if the variable is only named. */
  readonly value?: Value;
  /** Whether the value is added to the one before. */
  readonly isAdded: boolean;
}

/**
 * Runs `export`, `local`, `declare`, `typeset` or `readonly`.
 *
 * @param assigned the arguments that the shell reads as assignments; all others are words that may
 *   turn out as assignments: `export "$NAME=1"`.
 */
export function declare(
  [program, ...args]: readonly Word[],
  assigned: readonly Declared[],
  state: State,
): boolean | undefined {
  const name = program?.text ?? '';
  const options = args.filter(({ text }) => /^-./.test(text)).map(({ text }) => text);
  const has = (...letters: readonly string[]) =>
    options.some((one) => letters.some((letter) => one.includes(letter)));
  // A variable that stands for another one is not followed.
  if (name !== 'export' && has('n')) throw new NotUnderstood();
  const isDeclaring = /^(?:local|declare|typeset)$/.test(name);
  const isLocal = isDeclaring && !has('g') && state.hidden !== undefined;
  const isFixed = state.hidden === undefined && (name === 'readonly' || has('r'));
  for (const word of [...assigned, ...args]) {
    const one = 'text' in word ? declaredBy(word) : word;
    if (one === undefined) continue;
    if (one === 'unknown') {
      loseAll(state);
      return undefined;
    }
    if (has('g') && (state.hidden?.has(one.name) === true || state.outerLocals.has(one.name))) {
      throw new NotUnderstood();
    }
    if (isLocal && state.hidden?.has(one.name) === false) {
      state.hidden.set(one.name, kept(state, one.name));
    }
    if (isDeclaring && has('i', 'l', 'u', 'c', 'A')) state.session.unsteady.add(one.name);
    // Before a local variable is set, dash keeps the value of the outer one, and bash has none.
    const isUnclear = isLocal && (one.value === undefined || one.isAdded);
    const value = isUnclear ? unknownValue(one.name) : one.value;
    if (value !== undefined) setVariable(state, one.name, value);
    if (isFixed) state.session.unsteady.add(one.name);
    if (name === 'export' && has('n')) state.exported.delete(one.name);
    else if (name === 'export' || has('x')) state.exported.add(one.name);
  }
  return true;
}

/** What a word declares; undefined for an option. */
function declaredBy({ text, raw, fault, several }: Word): Declared | 'unknown' | undefined {
  const [, name, index, plus, value] =
    /^([A-Za-z_]\w*)(\[.*\])?(?:(\+)?=([\s\S]*))?$/.exec(text) ?? [];
  if (fault !== undefined) {
    if (name === undefined || value === undefined || several === true) return 'unknown';
    return { name, value: unknownValue(name), isAdded: false };
  }
  if (name === undefined) return undefined;
  if (value === undefined) return { name, isAdded: false };
  const isWhole = index === undefined && plus === undefined;
  const given = isWhole ? { words: [{ text: value, raw }], isList: false } : unknownValue(name);
  return { name, value: given, isAdded: plus !== undefined };
}
