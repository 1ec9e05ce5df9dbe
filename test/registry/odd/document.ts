/** One change to a JSON document. */
export interface Change {
  /** The fields and positions that lead to a value, with slashes between them; `+0` inserts before 0. */
  readonly at: string;
  /** The JSON text to put there; an empty one removes what is there. */
  readonly to: string;
}

/** What happens to a document's text after it was written. */
export type Spelling =
  | 'pretty'
  | 'spaces around'
  | 'byte order mark'
  | 'more behind'
  | 'escaped keys'
  | 'repeated key'
  | 'repeated annotation'
  | 'not UTF-8'
  | 'cut';

/** Writes a document with changes; a change to what is not there does nothing. */
export function write(
  document: unknown,
  changes: readonly Change[],
  spelling: Spelling | undefined,
): Buffer {
  const copy: unknown = structuredClone(document);
  for (const [i, { at, to }] of changes.entries()) {
    put(copy, at.split('/'), to === '' ? undefined : mark(i));
  }
  const text = JSON.stringify(copy, undefined, spelling === 'pretty' ? 2 : undefined);
  const whole = changes.reduce((known, { to }, i) => known.replace(`"${mark(i)}"`, () => to), text);
  return spelled(whole, spelling);
}

/** Stands for the text of a change until the document is written: 2.0 must not become 2. */
function mark(change: number): string {
  return `change ${change}`;
}

function put(document: unknown, way: readonly string[], value: string | undefined): void {
  const [name = '', ...rest] = way;
  if (typeof document !== 'object' || document === null) return;
  if (rest.length > 0) {
    put(Reflect.get(document, name), rest, value);
    return;
  }
  if (Array.isArray(document) && name.startsWith('+')) document.splice(Number(name), 0, value);
  else if (value !== undefined) Reflect.set(document, name, value);
  else if (Array.isArray(document)) document.splice(Number(name), 1);
  else Reflect.deleteProperty(document, name);
}

function spelled(text: string, spelling: Spelling | undefined): Buffer {
  switch (spelling) {
    case undefined:
    case 'pretty':
      return Buffer.from(text);
    case 'spaces around':
      return Buffer.from(`\r\n\t ${text}\n\n`);
    case 'byte order mark':
      return Buffer.from(`\ufeff${text}`);
    case 'more behind':
      return Buffer.from(`${text}{}`);
    case 'escaped keys':
      return Buffer.from(text.replace('"digest"', '"di\\u0067est"'));
    case 'repeated key':
      return Buffer.from(text.replace('{', '{"schemaVersion":2,'));
    case 'repeated annotation':
      return Buffer.from(text.replace('{', '{"annotations":{"a":"1","a":"2"},'));
    case 'not UTF-8':
      return Buffer.from(text.replace('{', '{"annotations":{"a":"\xff"},'), 'latin1');
    case 'cut':
      return Buffer.from(text.slice(0, -2));
  }
}
