import type { Fault } from '../../problem.ts';
import { seemsToStart } from '../mentions.ts';
import type { Word } from '../words.ts';
import { NotUnderstood } from './cursor.ts';
import type { Kept, State, Value } from './state.ts';

const mostVariables = 1000;

export function setVariable(state: State, name: string, value: Value | undefined): void {
  state.variables.set(name, state.session.unsteady.has(name) ? unknownValue(name) : value);
  if (state.variables.size > mostVariables) throw new NotUnderstood();
  if (state.exportsAll) state.exported.add(name);
}

/** Makes a variable unknown. */
export function loseVariable(state: State, name: string): void {
  setVariable(state, name, unknownValue(name));
}

/** Makes all variables unknown, because something that is not known may have set them. */
export function loseAll(state: State): void {
  const { environment } = state.session.surroundings;
  for (const name of [...state.variables.keys(), ...environment.keys()]) loseVariable(state, name);
  state.mayHaveOthers = true;
}

const changed =
  /(?:\+\+|--)\s*([A-Za-z_]\w*)|(?<!\w)([A-Za-z_]\w*)(?:\[[^[\]]*\])?\s*(?:(?:[-+*/%&|^]|<<|>>)?=(?!=)|\+\+|--)/g;

/** Makes the variables unknown that arithmetic changes. Commands in arithmetic are not followed. */
export function loseChanged(state: State, arithmetic: string): void {
  if (seemsToStart(arithmetic)) throw new NotUnderstood();
  for (const [, before, behind = ''] of arithmetic.matchAll(changed)) {
    loseVariable(state, before ?? behind);
  }
}

/** A variable as it is now, to be restored later. */
export function kept({ variables }: State, name: string): Kept {
  return { isSet: variables.has(name), value: variables.get(name) };
}

export function restore({ variables }: State, name: string, { isSet, value }: Kept): void {
  if (isSet) variables.set(name, value);
  else variables.delete(name);
}

export function unknownValue(name: string): Value {
  const raw = `$${name}`;
  return { words: [{ text: raw, raw, fault: unknownVariable, several: true }], isList: false };
}

export const unknownVariable: Fault = {
  code: 'variable',
  message:
    'expected the unit or the script to set the variables that name an image, found one that is not set, or depends on the host',
  hint: 'set the variable with Environment= in [Service], or write the value out',
};

/** A word as the value of a variable: without quotes, what is not known may become several words. */
export function unquoted(word: Word): Word {
  return word.fault === undefined ? word : { ...word, several: true };
}

/** Whether a word may become none or several, which moves those behind it. */
export function isSeveral({ fault, several }: Word): boolean {
  return fault !== undefined && several === true;
}
