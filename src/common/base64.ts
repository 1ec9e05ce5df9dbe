/**
 * Decodes base64 as strictly as Go's standard encoding: with padding, ignoring line breaks.
 *
 * @returns undefined for any other text.
 */
export function decodeBase64(text: string): Buffer | undefined {
  const packed = text.replace(/[\r\n]/g, '');
  if (packed.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(packed)) return undefined;
  return Buffer.from(packed, 'base64');
}
