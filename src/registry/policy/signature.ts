import * as v from 'valibot';
import { decodeBase64 } from '../../common/base64.ts';
import { checkBy } from '../../common/check-by.ts';

/** A signature beside an image; nothing in it can be trusted before it is verified. */
export type Signature = OpenpgpSignature | SigstoreSignature;

/** "Simple signing": containers-signature(5). */
export interface OpenpgpSignature {
  readonly kind: 'openpgp';
  /** An OpenPGP message that holds the signed bytes and the signature. */
  readonly message: Buffer;
}

/** A signature as cosign attaches it. */
export interface SigstoreSignature {
  readonly kind: 'sigstore';
  /** The signed bytes. */
  readonly content: Buffer;
  readonly annotations: Readonly<Record<string, string>>;
}

/** The media type of what cosign signs; other types are attestations and the like. */
export const SIGSTORE_TYPE = 'application/vnd.dev.cosign.simplesigning.v1+json';

/** An upper bound: each signer adds a signature, and one by a known key is enough. */
export const MAX_SIGNATURES = 100;

/** In bytes: signatures are of a few hundred bytes, and larger only if somebody adds annotations. */
export const MAX_SIGNATURE_BYTES = 256 * 1024;

/**
 * The first bytes of an OpenPGP message: a packet of compressed data, a one-pass signature, or a signature.
 * RFC 9580, section 4.2; containers/image tells the formats apart by the same bytes.
 */
const OPENPGP = new Set(
  [
    [0xa0, 0xa1, 0xa2, 0xa3, 0xc8],
    [0x90, 0x91, 0x92, 0x3d, 0xc4],
    [0x88, 0x89, 0x8a, 0x8b, 0xc2],
  ].flat(),
);

const SIGSTORE = 'sigstore-json';
const SIMPLE_SIGNING = 'simple-signing';

/** A signature of sigstore in a file. Other fields, of later versions, do no harm. */
const sigstoreSchema = v.object({
  mimeType: v.nullish(v.string(), ''),
  payload: v.pipe(v.nullish(v.string(), ''), v.transform(decodeBase64), v.instance(Buffer)),
  annotations: v.nullish(v.record(v.string(), v.string()), {}),
});

/**
 * Parses a signature in the format of containers/image, as it lies in a lookaside: an OpenPGP message, or a
 * zero byte, the name of a format, a line break, and the signature in that format.
 *
 * @returns `other` for something that sigstore attaches beside signatures; undefined if the format is unknown.
 */
export function parseSignature(file: Buffer): Signature | 'other' | undefined {
  const [first] = file;
  if (first === undefined) return undefined;
  if (OPENPGP.has(first)) return { kind: 'openpgp', message: file };
  const end = file.indexOf('\n');
  if (first !== 0 || end < 0) return undefined;
  const rest = file.subarray(end + 1);
  switch (file.toString('latin1', 1, end)) {
    case SIMPLE_SIGNING:
      return { kind: 'openpgp', message: rest };
    case SIGSTORE:
      return parseSigstore(rest);
    default:
      return undefined;
  }
}

/** The inverse of `parseSignature`. */
export function signatureFile(signature: Signature): Buffer {
  if (signature.kind === 'openpgp') {
    const { message } = signature;
    const isKnown = OPENPGP.has(message[0] ?? 0);
    return isKnown ? message : Buffer.concat([Buffer.from(`\0${SIMPLE_SIGNING}\n`), message]);
  }
  const { content, annotations } = signature;
  const sorted = Object.entries(annotations).sort(([a], [b]) => (a < b ? -1 : 1));
  const json = JSON.stringify({
    mimeType: SIGSTORE_TYPE,
    payload: content.toString('base64'),
    annotations: Object.fromEntries(sorted),
  });
  return Buffer.from(`\0${SIGSTORE}\n${json}`);
}

function parseSigstore(json: Buffer): SigstoreSignature | 'other' | undefined {
  const checked = checkBy(sigstoreSchema, parsed(json));
  if (!checked.success) return undefined;
  const { mimeType, payload, annotations } = checked.output;
  return mimeType === SIGSTORE_TYPE ? { kind: 'sigstore', content: payload, annotations } : 'other';
}

function parsed(json: Buffer): unknown {
  try {
    return JSON.parse(json.toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
