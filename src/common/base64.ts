/**
 * Decodes base64 as strictly as Go's standard encoding: with padding, ignoring line breaks.
 *
 * @returns undefined for any other text.
 */
export function decodeBase64(text: string): Buffer | undefined {
  const packed = text.replace(/[\r\n]/g, '');
  return isBase64(packed) ? Buffer.from(packed, 'base64') : undefined;
}

/** Whether a text is base64 without line breaks. */
export function isBase64(text: string): boolean {
  // The pattern repeats one class of characters, not a group: V8 takes stack for each round of a group, and a long text
  // would take all of it.
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}
