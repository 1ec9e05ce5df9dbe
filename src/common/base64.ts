/**
 * The bytes of base64 as Go's standard encoding reads it: padded, line breaks ignored, nothing else
 * in it. Undefined for anything else.
 */
export function decodeBase64(text: string): Buffer | undefined {
  const packed = text.replace(/[\r\n]/g, '');
  if (packed.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(packed)) return undefined;
  return Buffer.from(packed, 'base64');
}
