import * as v from 'valibot';
import { parseStrictJson } from './strict-json.ts';

/**
 * The directory in a layout where berth keeps the signatures of its images: a file `HEX.json` for each
 * manifest. OCI layouts have no place of their own for signatures of every kind.
 */
export const SIGNATURES = 'signatures';

/** In bytes, of the signatures of one manifest as text. Signers add some two kilobytes each. */
export const MAX_SIGNATURES_BYTES = 4 * 1024 * 1024;

/** The signatures of one manifest, as files. Nothing in them can be trusted before it is verified. */
export const SignaturesSchema = v.array(
  v.pipe(
    v.string(),
    v.base64('expected base64'),
    v.transform((text) => Buffer.from(text, 'base64')),
  ),
);

const schema = v.object({ signatures: SignaturesSchema });

/** Parses a file of signatures; undefined if it is none. */
export function parseSignatures(content: Buffer): readonly Buffer[] | undefined {
  const json = parseStrictJson(content);
  if (json.kind === 'refused') return undefined;
  const checked = v.safeParse(schema, json.value);
  return checked.success ? checked.output.signatures : undefined;
}

/** A file of signatures, without those that would make it larger than may be read. */
export function signaturesText(signatures: readonly Buffer[]): string {
  return `${JSON.stringify({ signatures: signatureTexts(signatures) })}\n`;
}

/** The signatures as they are written, as far as they fit. */
export function signatureTexts(signatures: readonly Buffer[]): readonly string[] {
  let left = MAX_SIGNATURES_BYTES - FRAME;
  return signatures
    .map((signature) => signature.toString('base64'))
    .filter((text) => (left -= text.length + SEPARATOR) >= 0);
}

/** In bytes: the text around all signatures, and around each. */
const FRAME = 64;
const SEPARATOR = 3;
