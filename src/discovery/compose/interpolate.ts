import { cutShort } from '../../common/concealed.ts';
import type { Fault } from '../problem.ts';
import { deepestForm, variableAt } from '../variable-form.ts';

/** The value with its variables replaced, or the fault of the first one that can't be replaced. */
export type Interpolated =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly fault: Fault };

/** The values of variables by name; variables that are not set are missing. */
export type Environment = ReadonlyMap<string, string>;

/** The characters that variables may add to a value: nested variables grow exponentially. */
const longest = 4096;

/**
 * Replaces the variables in a value of a Compose file (Compose specification, "Interpolation").
 * Compose replaces an unset variable by nothing and warns. The result would be an image that
 * nobody meant, so an unset variable is a fault here.
 */
export function interpolate(text: string, environment: Environment, depth = 0): Interpolated {
  let result = '';
  let next = 0;
  for (;;) {
    const dollar = text.indexOf('$', next);
    if (dollar < 0) return { ok: true, text: result + text.slice(next) };
    result += text.slice(next, dollar);
    next = dollar + 2;
    if (text[dollar + 1] === '$') {
      result += '$';
      continue;
    }
    const form = variableAt(text, dollar);
    if (form === undefined || depth > deepestForm) return { ok: false, fault: badForm(text) };
    next = form.end;
    const value = environment.get(form.name);
    const given = form.operator.startsWith(':') ? (value ?? '') !== '' : value !== undefined;
    const kind = form.operator.slice(-1);
    if (kind === '+' ? given : kind === '-' && !given) {
      const inner = interpolate(form.word, environment, depth + 1);
      if (!inner.ok) return inner;
      result += inner.text;
    } else if (kind !== '+') {
      if (!given || value === undefined) return { ok: false, fault: unset(form.name) };
      result += value;
    }
    if (result.length > text.length + longest) return { ok: false, fault: tooLong };
  }
}

/**
 * The fault for which Compose refuses a value, whatever key it is in: a form that can't be parsed, or
 * a required variable (`${NAME:?…}`) that is not set.
 */
export function refusedVariable(
  text: string,
  environment: Environment,
  depth = 0,
): Fault | undefined {
  if (depth > deepestForm) return badForm(text);
  for (let dollar = text.indexOf('$'); dollar >= 0; ) {
    let next = dollar + 2;
    const form = text[dollar + 1] === '$' ? undefined : variableAt(text, dollar);
    if (form === undefined && text[dollar + 1] === '{') return badForm(text);
    if (form !== undefined) {
      next = form.end;
      const value = environment.get(form.name);
      const given = form.operator.startsWith(':') ? (value ?? '') !== '' : value !== undefined;
      const kind = form.operator.slice(-1);
      if (kind === '?' && !given) return unset(form.name);
      const takesWord = kind === '+' ? given : kind === '-' && !given;
      const inner = takesWord ? refusedVariable(form.word, environment, depth + 1) : undefined;
      if (inner !== undefined) return inner;
    }
    dollar = text.indexOf('$', next);
  }
  return undefined;
}

function unset(name: string): Fault {
  return {
    code: 'variable',
    message: `expected a value for the variable ${name}, found none in the project's .env file`,
    hint: `set ${name} in .env beside the Compose file, or give it a default: \${${name}:-value}`,
  };
}

function badForm(text: string): Fault {
  const shown = cutShort(text, 100);
  return {
    code: 'compose',
    message: `expected $NAME or \${NAME}, with a default or without, found ${JSON.stringify(shown)}`,
    hint: 'correct the variable, or write $$ for a dollar sign',
  };
}

const tooLong: Fault = {
  code: 'compose',
  message: `expected variables of at most ${longest} characters, found longer ones`,
  hint: 'shorten the variables',
};
