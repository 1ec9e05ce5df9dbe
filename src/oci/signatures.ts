import * as v from 'valibot';
import { isBase64 } from '../common/base64.ts';
import { checkBy } from '../common/check-by.ts';
import { parseStrictJson } from './strict-json.ts';

/**
 * The directory in a layout where berth keeps the signatures of its images: a file `HEX.json` for each
 * manifest. OCI layouts have no place of their own for signatures of every kind.
 */
export const SIGNATURES = 'signatures';

/** In bytes, of the signatures of one manifest as text. Signers add some two kilobytes each. */
export const MAX_SIGNATURES_BYTES = 4 * 1024 * 1024;

/**
 * In bytes: no key signs anything in fewer, and without the limit a file could hold millions of signatures, each of
 * which takes a hundred bytes of memory besides its own.
 */
const LEAST_SIGNATURE_BYTES = 32;

/** The length of as many bytes in base64. */
const LEAST_TEXT = 44;

/** Whether the bytes can be a signature. */
export function isLongEnough(signature: Buffer): boolean {
  return signature.length >= LEAST_SIGNATURE_BYTES;
}

/**
 * The signatures of one manifest, as files, without what is too short for one, which earlier versions have
 * written. Nothing in them can be trusted before it is verified.
 */
export const SignaturesSchema = v.pipe(
  // A schema for the elements would copy a list of millions.
  v.custom<readonly string[]>(isListOfTexts, 'expected a list of texts in base64'),
  v.transform((texts) => texts.filter(({ length }) => length >= LEAST_TEXT)),
  v.transform((texts) => texts.map((text) => Buffer.from(text, 'base64')).filter(isLongEnough)),
);

function isListOfTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((text) => typeof text === 'string' && isBase64(text));
}

const schema = v.object({ signatures: SignaturesSchema });

/** Parses a file of signatures; undefined if it is none. */
export function parseSignatures(content: Buffer): readonly Buffer[] | undefined {
  const json = parseStrictJson(content);
  if (json.kind === 'refused') return undefined;
  const checked = checkBy(schema, json.value);
  return checked.success ? checked.output.signatures : undefined;
}

/** A file of signatures, without those that are too short, or would make it larger than may be read. */
export function signaturesText(signatures: readonly Buffer[]): string {
  return `${JSON.stringify({ signatures: signatureTexts(signatures) })}\n`;
}

/** The signatures as they are written, as far as they are long enough and fit. */
export function signatureTexts(signatures: readonly Buffer[]): readonly string[] {
  let left = MAX_SIGNATURES_BYTES - FRAME;
  return signatures
    .filter(isLongEnough)
    .map((signature) => signature.toString('base64'))
    .filter((text) => (left -= text.length + SEPARATOR) >= 0);
}

/** In bytes: the text around all signatures, and around each. */
const FRAME = 64;
const SEPARATOR = 3;
