import type { Fault } from '../problem.ts';

/** The levels of includes within includes, and of services that extend others. */
export const deepest = 32;

export const badLine: Fault = {
  code: 'compose',
  message: 'expected NAME=VALUE, found a line for which Compose refuses the environment file',
  hint: 'correct the name, or end the quote',
};

export function conflict(name: string): Fault {
  return {
    code: 'compose',
    message: `expected a service of another name, found ${name.slice(0, 200)} in an included project, too`,
    hint: 'rename one of the two; an override file may change included services',
  };
}

export function notA(expected: string, what: string): Fault {
  return {
    code: 'compose',
    message: `expected ${expected} for ${what}, found something else`,
    hint: 'correct the Compose file',
  };
}

export function missing(what: string): Fault {
  return {
    code: 'compose',
    message: `expected ${what}, found nothing there`,
    hint: 'correct the Compose file, or put what it names into the root',
  };
}

export function circular(key: string): Fault {
  return {
    code: 'compose',
    message: `expected ${key} without circles, found a circle, or more than ${deepest} levels`,
    hint: `remove the circle from ${key}`,
  };
}
