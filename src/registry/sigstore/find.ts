import { parseName } from '../../image/name.ts';
import type { ResolvedImage } from '../../image/resolved.ts';
import type { Access } from '../access.ts';
import type { Exchange } from '../exchange.ts';
import type { Place } from '../place.ts';
import type { RegistriesD } from '../registries-d.ts';
import { RegistryError } from '../registry.ts';
import { type Attachment, fetchAttachments } from './attachments.ts';

export interface Looking {
  readonly exchange: Exchange;
  readonly access: Access;
  readonly signal: AbortSignal | undefined;
}

/**
 * The signatures of an image at the first of its places that has some. A signature is worth the
 * same wherever it lies, and a mirror need not have it.
 *
 * @returns a string that says why none were looked for.
 * @throws {RegistryError} if a place could not be asked and no other has some.
 */
export async function findSignatures(
  image: ResolvedImage,
  places: readonly Place[],
  registriesD: RegistriesD,
  { exchange, access, signal }: Looking,
): Promise<readonly Attachment[] | string> {
  const { tag, digest } = parseName(image.name);
  const reference = tag ?? digest ?? image.manifest;
  const asked = places.filter(
    (place) =>
      place.blockedBy === undefined && registriesD.usesAttachments({ ...place, reference }),
  );
  if (asked.length === 0) {
    return `${registriesD.path} does not say that signatures lie beside it`;
  }
  let failure: RegistryError | undefined;
  for (const place of asked) {
    try {
      const found = await fetchAttachments(exchange, place, access, image.manifest, signal);
      if (found.length > 0) return found;
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof RegistryError)) throw error;
      failure = error;
    }
  }
  if (failure !== undefined) throw failure;
  return [];
}
