import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { firstPemBlock } from './pem.ts';

/** The curves that Go supports, and so the engines that read policy.json. */
const CURVES: readonly (string | undefined)[] = [
  'secp224r1',
  'prime256v1',
  'secp384r1',
  'secp521r1',
];

/** Shorter keys can be broken; newer Go programs refuse them too. */
const MIN_RSA_BITS = 1024;

const FORMATS: ReadonlyMap<string, 'spki' | 'pkcs1'> = new Map([
  ['PUBLIC KEY', 'spki'],
  ['RSA PUBLIC KEY', 'pkcs1'],
]);

/**
 * Reads a public key: the first block of a PEM text. A private key or a certificate is refused.
 *
 * @returns a string that says what is wrong, if the key can't be used.
 */
export function readPublicKey(pem: Buffer): KeyObject | string {
  const block = firstPemBlock(pem);
  if (block === undefined) return 'is not PEM';
  const { label, der } = block;
  const type = FORMATS.get(label);
  if (type === undefined) return `is a ${label}`;
  let key: KeyObject;
  try {
    key = createPublicKey({ key: der, format: 'der', type });
  } catch {
    // OpenSSL's messages name its own source files.
    return 'can’t be read';
  }
  return isKnown(key) ? key : `is of a kind that is not supported (${kindOf(key)})`;
}

function isKnown({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): boolean {
  switch (asymmetricKeyType) {
    case 'ed25519':
      return true;
    case 'ec':
      return CURVES.includes(asymmetricKeyDetails.namedCurve);
    case 'rsa':
      return (asymmetricKeyDetails.modulusLength ?? 0) >= MIN_RSA_BITS;
    default:
      return false;
  }
}

function kindOf({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): string {
  const { namedCurve, modulusLength } = asymmetricKeyDetails;
  return [asymmetricKeyType, namedCurve, modulusLength].filter((word) => word !== undefined).join();
}

/** Whether the key signed these bytes, with the scheme that sigstore uses for its type. */
export function isSignedBy(key: KeyObject, content: Buffer, signature: Buffer): boolean {
  switch (key.asymmetricKeyType) {
    case 'ed25519':
      return verify(null, content, key, signature);
    case 'rsa':
      return verify('sha256', content, { key, padding: constants.RSA_PKCS1_PADDING }, signature);
    default:
      return verify('sha256', content, { key, dsaEncoding: 'der' }, signature);
  }
}
