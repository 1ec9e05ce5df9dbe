/** How many bytes of a file tell its kind. */
export const KIND_BYTES = 512;

/**
 * What a file that is no bundle, compressed or not, seems to be.
 *
 * @param head the first bytes of the file.
 * @returns undefined for what may be a bundle.
 */
export function otherKind(head: Buffer): string | undefined {
  if (head.length === 0) return 'nothing: it is empty';
  const known = kinds.find(([magic]) => head.subarray(0, magic.length).equals(magic));
  if (known !== undefined) return known[1];
  const isText = /^[\t\n\r\x20-\x7e]+$/.test(head.toString('latin1'));
  return isText ? 'a text' : undefined;
}

/** Bytes with which files begin. Tar archives and the compressions that berth reads are not among them. */
const kinds: readonly (readonly [Buffer, string])[] = [
  [Buffer.from('fd377a585a00', 'hex'), 'an archive that xz compressed'],
  [Buffer.from('425a68', 'hex'), 'an archive that bzip2 compressed'],
  [Buffer.from('504b0304', 'hex'), 'a zip archive'],
  [Buffer.from('7f454c46', 'hex'), 'a program'],
  [Buffer.from('68737173', 'hex'), 'a squashfs image'],
  [Buffer.from('{'), 'a JSON document'],
  [Buffer.from('#!'), 'a script'],
];
