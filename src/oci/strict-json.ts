import { hasMoreValues } from '../common/text/json-values.ts';
import { type Refusal, refusal } from './refusal.ts';

/** Honest values take more bytes of text: each blob and each entry has a digest of 71. */
const BYTES_PER_VALUE = 20;

/** How many values any text may have, however short. */
const LEAST_VALUES = 100_000;

/** A JSON text that every reader understands alike. */
export interface StrictJson {
  readonly kind: 'json';
  readonly value: unknown;
}

/**
 * Parses JSON in which no object has a key twice. Of two equal keys, some readers take the first and some
 * the last (RFC 8259, section 4), so one document would have two meanings.
 */
export function parseStrictJson(content: Buffer): StrictJson | Refusal {
  const text = content.toString('utf8');
  const most = Math.max(LEAST_VALUES, Math.floor(content.length / BYTES_PER_VALUE));
  if (hasMoreValues(text, most)) {
    return refusal('too-many-values', `JSON of more than ${most} values`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return refusal('not-json', 'something that is not JSON');
  }
  if (keysIn(text) === keysOf(value)) return { kind: 'json', value };
  return refusal('not-json', 'JSON in which an object has a key twice');
}

/** Counts the keys in a valid JSON text: the strings that a colon follows. */
function keysIn(text: string): number {
  let keys = 0;
  for (let start = text.indexOf('"'); start >= 0; ) {
    const end = endOfString(text, start);
    if (text.charCodeAt(afterSpace(text, end + 1)) === COLON) keys++;
    start = text.indexOf('"', end + 1);
  }
  return keys;
}

const COLON = 0x3a;
const SPACE = 0x20;
const BACKSLASH = 0x5c;

function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end;
}

/** Whether a quotation mark is preceded by an odd number of backslashes. */
function isEscaped(text: string, at: number): boolean {
  let first = at;
  while (text.charCodeAt(first - 1) === BACKSLASH) first--;
  return (at - first) % 2 === 1;
}

/** Space is the last of the four characters that JSON allows between tokens. */
function afterSpace(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) <= SPACE) at++;
  return at;
}

/** Counts the keys that the parser kept, without recursion: a */
function keysOf(value: unknown): number {
  let keys = 0;
  const open = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (typeof next !== 'object' || next === null) continue;
    const values: unknown[] = Array.isArray(next) ? next : Object.values(next);
    if (values !== next) keys += values.length;
    for (const inner of values) if (typeof inner === 'object') open.push(inner);
  }
  return keys;
}
