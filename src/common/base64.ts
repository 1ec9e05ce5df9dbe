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
  // One class of characters: a repeated group would take stack for each round, and a long text all of it.
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}
