import { parseName } from '../../../image/name.ts';
import type { ResolvedImage } from '../../../image/resolved.ts';
import type { Access } from '../../access.ts';
import type { Endpoint } from '../../endpoint.ts';
import { RegistryError } from '../../errors.ts';
import type { Exchange } from '../../exchange.ts';
import type { Failover } from '../../failover.ts';
import type { RegistriesD } from '../registries-d.ts';
import { type Attachment, fetchAttachments } from './attachments.ts';

export interface Looking {
  readonly exchange: Exchange;
  readonly access: Access;
  readonly signal: AbortSignal | undefined;
  readonly ask: Failover['ask'];
}

/**
 * Finds the signatures of an image at one of its endpoints after the other: a signature counts the same
 * wherever it is stored, and a mirror may lack it or have another one.
 *
 * @returns a string that says why none are looked for, if that is so.
 */
export function findSignatures(
  image: ResolvedImage,
  endpoints: readonly Endpoint[],
  registriesD: RegistriesD,
  looking: Looking,
): AsyncIterable<readonly Attachment[]> | string {
  const { tag, digest } = parseName(image.name);
  const reference = tag ?? digest ?? image.manifest;
  const asked = endpoints.filter(
    (endpoint) =>
      endpoint.blockedBy === undefined && registriesD.usesAttachments({ ...endpoint, reference }),
  );
  if (asked.length > 0) return signaturesAt(asked, image.manifest, looking);
  return `${registriesD.path} does not say that signatures are stored beside it`;
}

/**
 * @throws {RegistryError} at the end, if an endpoint could not be asked, since it may have the right
 *   signature.
 */
async function* signaturesAt(
  endpoints: readonly Endpoint[],
  manifest: string,
  { exchange, access, signal, ask }: Looking,
): AsyncGenerator<readonly Attachment[]> {
  let failure: RegistryError | undefined;
  for (const endpoint of endpoints) {
    try {
      yield await ask(endpoint, () =>
        fetchAttachments(exchange, endpoint, access, manifest, signal),
      );
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof RegistryError)) throw error;
      failure = error;
    }
  }
  if (failure !== undefined) throw failure;
}
