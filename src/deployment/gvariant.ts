/** A value in a dictionary `a{sv}` of the GVariant format: its bytes and their type. */
export interface Variant {
  readonly type: string;
  readonly bytes: Buffer;
}

/**
 * Parses a dictionary `a{sv}`, the format of ostree's state in /run.
 *
 * Source: the GVariant specification, sections 2.3 (alignment), 2.5.3 (arrays and tuples of
 * elements without a fixed size) and 2.5.2 (variants).
 *
 * @throws {RangeError} if the bytes are no such dictionary.
 */
export function readDictionary(bytes: Buffer): ReadonlyMap<string, Variant> {
  const entries = new Map<string, Variant>();
  if (bytes.length === 0) return entries;
  const size = offsetSize(bytes.length);
  const offsets = offsetAt(bytes, bytes.length - size);
  const count = (bytes.length - offsets) / size;
  if (offsets > bytes.length || !Number.isInteger(count)) throw malformed('offsets');
  let start = 0;
  for (let i = 0; i < count; i++) {
    const end = offsetAt(bytes, offsets + i * size);
    if (end < start || end > offsets) throw malformed('an element’s end');
    const [key, value] = readEntry(bytes.subarray(start, end));
    entries.set(key, value);
    start = aligned(end);
  }
  return entries;
}

/** The text in a variant of type `s`. */
export function textOf(variant: Variant | undefined): string | undefined {
  return variant?.type === 's' && variant.bytes.at(-1) === 0 ? readText(variant.bytes) : undefined;
}

/** The two numbers in a variant of type `(tt)`. */
export function pairOf(variant: Variant | undefined): readonly [bigint, bigint] | undefined {
  if (variant?.type !== '(tt)' || variant.bytes.length !== 16) return undefined;
  return [variant.bytes.readBigUInt64LE(0), variant.bytes.readBigUInt64LE(8)];
}

/** Parses an entry `{sv}`. The offset of the key's end stands behind the value. */
function readEntry(bytes: Buffer): readonly [string, Variant] {
  const size = offsetSize(bytes.length);
  const keyEnd = offsetAt(bytes, bytes.length - size);
  const value = bytes.subarray(aligned(keyEnd), bytes.length - size);
  if (keyEnd === 0 || keyEnd > bytes.length) throw malformed('a key’s end');
  return [readText(bytes.subarray(0, keyEnd)), readVariant(value)];
}

/** Parses a variant: the value, a NUL, and the type. */
function readVariant(bytes: Buffer): Variant {
  const nul = bytes.lastIndexOf(0);
  if (nul === -1) throw malformed('a variant');
  return { type: bytes.subarray(nul + 1).toString('latin1'), bytes: bytes.subarray(0, nul) };
}

function readText(bytes: Buffer): string {
  if (bytes.at(-1) !== 0) throw malformed('a string');
  return bytes.subarray(0, -1).toString('utf8');
}

/** The size of each offset in a container, in bytes. It depends on the container's own size. */
function offsetSize(length: number): 1 | 2 | 4 {
  if (length <= 0xff) return 1;
  return length <= 0xffff ? 2 : 4;
}

function offsetAt(bytes: Buffer, at: number): number {
  if (at < 0) throw malformed('an offset');
  return bytes.readUIntLE(at, offsetSize(bytes.length));
}

function aligned(offset: number): number {
  return Math.ceil(offset / 8) * 8;
}

function malformed(what: string): RangeError {
  return new RangeError(`expected a GVariant dictionary a{sv}, found ${what} that can't be`);
}
