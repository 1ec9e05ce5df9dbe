/** The compression that the first bytes of a file tell; berth can't undo an `unknown` one. */
export function packingOf(start: Buffer): 'none' | 'known' | 'unknown' {
  const magic = start.toString('hex');
  if (magic.startsWith('1f8b') || magic.startsWith('28b52ffd')) return 'known';
  return /^(?:fd377a585a00|425a68)/.test(magic) ? 'unknown' : 'none';
}
