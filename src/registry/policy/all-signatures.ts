import type { Access } from '../access.ts';
import { RegistryError } from '../errors.ts';
import type { SignedImage } from './find.ts';
import type { FindSignatures } from './permissions.ts';
import { MAX_SIGNATURES, signatureFile } from './signature.ts';

/**
 * The signatures of an image at all places, as files: each once, and in an order that depends on nothing but
 * their bytes. If there are more than the limit, those from the places that are asked last are left out.
 *
 * @throws {RegistryError} if none was found and a place could not be asked.
 */
export async function allSignatures(
  find: FindSignatures,
  image: SignedImage,
  access: Access,
  signal: AbortSignal | undefined,
): Promise<readonly Buffer[]> {
  const files = new Map<string, Buffer>();
  const { places } = await find(image, new Set(['openpgp', 'sigstore']), access, signal);
  try {
    for await (const signatures of places) {
      for (const file of signatures.map(signatureFile)) {
        if (files.size < MAX_SIGNATURES) files.set(file.toString('latin1'), file);
      }
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (files.size === 0 || !(error instanceof RegistryError)) throw error;
  }
  return [...files.values()].sort((a, b) => Buffer.compare(a, b));
}
