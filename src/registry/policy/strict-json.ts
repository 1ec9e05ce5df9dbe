import * as v from 'valibot';
import { checkBy } from '../../common/check-by.ts';

/**
 * Parses JSON that decides what is trusted. A key that occurs twice in an object is an error, since two
 * readers might each take a different one. So is a key that every JavaScript object has, such as
 * `constructor`, and text that is not UTF-8.
 *
 * @throws {SyntaxError}
 */
export function parseStrictJson(content: Buffer): unknown {
  const text = decode(content);
  const value: unknown = JSON.parse(text);
  refuseAmbiguousKeys(text);
  return value;
}

/** The document as a schema reads it; undefined if it does not fit the schema. */
export function readStrictJson<T extends v.GenericSchema>(
  schema: T,
  content: Buffer,
): v.InferOutput<T> | undefined {
  try {
    const checked = checkBy(schema, parseStrictJson(content));
    return checked.success ? checked.output : undefined;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

/** An object with any keys, but not an array, which valibot would accept. */
export function mapOf<T extends v.GenericSchema>(schema: T) {
  return v.pipe(
    v.unknown(),
    v.check((value) => !Array.isArray(value), 'expected an object, found a list'),
    v.record(v.string(), schema),
  );
}

function decode(content: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new SyntaxError('it is not UTF-8');
  }
}

/** In text that is known to be JSON, only strings and these characters matter. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],]/g;

function refuseAmbiguousKeys(text: string): void {
  /** The keys of each open object; undefined for an open array. */
  const open: (Set<string> | undefined)[] = [];
  let isKeyNext = false;
  for (const [token] of text.matchAll(TOKEN)) {
    const keys = open.at(-1);
    if (token === '{' || token === '[') {
      open.push(token === '{' ? new Set() : undefined);
      isKeyNext = token === '{';
    } else if (token === '}' || token === ']') {
      open.pop();
    } else if (token === ',') {
      isKeyNext = keys !== undefined;
    } else if (isKeyNext && keys !== undefined) {
      addKey(keys, JSON.parse(token));
      isKeyNext = false;
    }
  }
}

function addKey(keys: Set<string>, key: string): void {
  const shown = JSON.stringify(key.slice(0, 100));
  if (keys.has(key)) throw new SyntaxError(`the key ${shown} occurs twice`);
  if (key in Object.prototype) throw new SyntaxError(`the key ${shown} is not known`);
  keys.add(key);
}
