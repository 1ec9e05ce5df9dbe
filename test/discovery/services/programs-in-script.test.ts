import assert from 'node:assert/strict';
import test from 'node:test';
import { programsInScript } from '../../../src/discovery/services/scripts/programs-in-script.ts';

/** The same as one pattern, which takes the square of the time for some texts. */
const pattern =
  /(?:^|[;&|(!`{]|\b(?:then|do|else|if|while|until|exec|command))[ \t]*(?:\w+=\S*[ \t]+)*([A-Za-z][\w.-]*)/gm;

const parts = [';', 'a', '=', ' ', '\n', 'do', '1'];

/** Every text of so many parts. */
function* texts(length: number): Iterable<string> {
  if (length === 0) yield '';
  else for (const text of texts(length - 1)) for (const part of parts) yield text + part;
}

test('programs are found as by one pattern', () => {
  for (let length = 0; length <= 6; length++) {
    for (const text of texts(length)) {
      const expected = Array.from(text.matchAll(pattern), ([, name]) => name);
      const found = [...programsInScript(text)];
      if (found.join('\n') !== expected.join('\n')) assert.deepEqual(found, expected, text);
    }
  }
});

test('behind assignments, in values and at the beginnings of lines', () => {
  const script = 'A=b C="$(d)" e f\nif ! g; then h=i; fi\n;j && k=l m\nn=$(o) p=q';
  const expected = Array.from(script.matchAll(pattern), ([, name]) => name);
  assert.deepEqual([...programsInScript(script)], expected);
});
