/** A block of PEM. */
export interface PemBlock {
  readonly label: string;
  readonly der: Buffer;
  /** The text after the block. */
  readonly rest: string;
}

const BLOCK =
  /^-----BEGIN (?<label>[A-Z0-9 ]+)-----[ \t\r]*\n(?<base64>[A-Za-z0-9+/=\s]*)-----END \k<label>-----[ \t\r]*(?:\n|$)/m;

/** The first block of a text; text before it is ignored. */
export function firstPemBlock(content: Buffer): PemBlock | undefined {
  const text = content.toString('latin1');
  const found = BLOCK.exec(text);
  const { label, base64 } = found?.groups ?? {};
  if (found === null || label === undefined || base64 === undefined) return undefined;
  return {
    label,
    der: Buffer.from(base64, 'base64'),
    rest: text.slice(found.index + found[0].length),
  };
}
