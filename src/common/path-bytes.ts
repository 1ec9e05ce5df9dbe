import { isUtf8 } from 'node:buffer';

/**
 * Decodes the bytes of a file name. Each byte 0xNN that is not UTF-8 becomes the lone surrogate U+DCNN
 * (Python's `surrogateescape`, PEP 383), so that `nameToBytes` gives the same bytes again.
 */
export function nameFromBytes(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  let name = '';
  for (let at = 0; at < bytes.length; ) {
    const lead = bytes[at] ?? 0;
    const sequence = bytes.subarray(at, at + sequenceLength(lead));
    const valid = isUtf8(sequence);
    name += valid ? sequence.toString('utf8') : String.fromCharCode(0xdc00 + lead);
    at += valid ? sequence.length : 1;
  }
  return name;
}

/**
 * Encodes a name as bytes, the inverse of `nameFromBytes`.
 *
 * @throws {RangeError} for a surrogate that stands for no byte. `isPossiblePath` tells in advance.
 */
export function nameToBytes(name: string): Buffer {
  if (name.isWellFormed()) return Buffer.from(name, 'utf8');
  // Each UTF-16 unit takes at most 3 bytes.
  const bytes = Buffer.alloc(name.length * 3);
  let length = 0;
  for (const character of name) {
    const code = character.codePointAt(0) ?? 0;
    if (isEscapedByte(code)) bytes[length++] = code - 0xdc00;
    else if (isSurrogate(code))
      throw new RangeError(`not a name: U+${code.toString(16)} is no byte`);
    else length += bytes.write(character, length, 'utf8');
  }
  return bytes.subarray(0, length);
}

/** Whether a file can have the path: without NUL, and without surrogates that stand for no byte. */
export function isPossiblePath(path: string): boolean {
  return !path.includes('\0') && (path.isWellFormed() || !notAByte.test(path));
}

// With the flag `u`, a surrogate in a class matches only where it stands alone.
const notAByte = /[\uD800-\uDC7F\uDD00-\uDFFF]/u;

/**
 * The path for messages. Bytes that are not UTF-8, and characters that control a terminal or
 * the direction of text, become `\xNN` for each byte, so that a hostile name can't forge output. Not
 * reversible: backslashes stay as they are, because systemd's unit names often contain `\x2d`.
 */
export function displayPath(path: string): string {
  if (isPlainAscii(path) && !path.includes('\n')) return path;
  return path.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (isSurrogate(code) && !isEscapedByte(code)) return `\\u${code.toString(16)}`;
    return nameToBytes(character)
      .toString('hex')
      .replace(/../g, (byte) => `\\x${byte}`);
  });
}

/**
 * Whether a text has only printable characters of ASCII, and line breaks. Most texts do, and Node needs milliseconds
 * for its first expression with a class like `\p{Cf}`.
 */
export function isPlainAscii(text: string): boolean {
  return !/[^\n -~]/.test(text);
}

/**
 * The length of a UTF-8 sequence by its first byte (RFC 3629, section 3). The other bytes are checked by
 * `isUtf8`.
 */
function sequenceLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}

function isEscapedByte(code: number): boolean {
  return code >= 0xdc80 && code <= 0xdcff;
}

function isSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdfff;
}
