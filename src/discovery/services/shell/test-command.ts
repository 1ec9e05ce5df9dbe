import type { Word } from '../words.ts';

/** The result of `[ … ]`, `[[ … ]]` or `test`, if it depends on known words alone. */
export function testResult([program, ...args]: readonly Word[]): boolean | undefined {
  const words = program?.text === 'test' ? args : args.slice(0, -1);
  if (words.some(({ fault }) => fault !== undefined)) return undefined;
  const [first = '', second = '', third] = words.map(({ text }) => text);
  if (words.length > 3 || first === '!' || first === '(') return undefined;
  if (words.length === 3) {
    if (second === '=' || second === '==') return isPlain(third) ? first === third : undefined;
    if (second === '!=') return isPlain(third) ? first !== third : undefined;
    return undefined;
  }
  if (words.length === 2) {
    return first === '-n' ? second !== '' : first === '-z' ? second === '' : undefined;
  }
  return words.length === 1 ? first !== '' : false;
}

/** Whether `[[ … ]]` does not take the word as a pattern. */
function isPlain(text = ''): boolean {
  return !/[*?[]/.test(text);
}
