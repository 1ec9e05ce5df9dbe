import { parseName } from '../../image/name.ts';
import type { ResolvedImage } from '../../image/resolved.ts';
import type { Access } from '../access.ts';
import type { Endpoint } from '../endpoint.ts';
import { RegistryError } from '../errors.ts';
import type { Exchange } from '../exchange.ts';
import type { Failover } from '../failover.ts';
import { readExtension } from './extension.ts';
import { lookasideUrl, readLookaside } from './lookaside.ts';
import type { RegistriesD } from './registries-d.ts';
import type { Signature } from './signature.ts';
import { fetchAttachments } from './sigstore/attachments.ts';

export interface FoundSignatures {
  readonly places: AsyncIterable<readonly Signature[]>;
  /** Why attached signatures are not looked for, if that is so. */
  readonly unattached: string | undefined;
}

export interface Looking {
  readonly exchange: Exchange;
  readonly registriesD: RegistriesD;
  /** Reads a signature on this machine; undefined if it is not there. */
  readonly readFile: (path: string) => Buffer | undefined;
  readonly access: Access;
  readonly signal: AbortSignal | undefined;
  readonly ask: Failover['ask'];
}

/** The image whose signatures are looked for. */
export type SignedImage = Pick<ResolvedImage, 'name' | 'manifest'>;

/** The kinds of signatures that are looked for. */
export type Kinds = ReadonlySet<Signature['kind']>;

/**
 * Finds the signatures of an image at one place after the other: a signature counts the same wherever it is
 * stored, and a mirror may lack it or have another one. Without a requirement for signatures of sigstore,
 * attachments are not looked at. A lookaside may have signatures of every kind.
 *
 * `places` throws an error at its end, if a place could not be asked, since it may have the right signature.
 */
export function findSignatures(
  image: SignedImage,
  endpoints: readonly Endpoint[],
  kinds: Kinds,
  looking: Looking,
): FoundSignatures {
  const { tag, digest } = parseName(image.name);
  const reference = tag ?? digest ?? image.manifest;
  const asked = endpoints
    .filter(({ blockedBy }) => blockedBy === undefined)
    .map((endpoint) => ({ ...endpoint, reference }));
  const { registriesD } = looking;
  const isAttached = asked.some((endpoint) => registriesD.usesAttachments(endpoint));
  return {
    places: signaturesAt(asked, image.manifest, kinds, looking),
    unattached:
      isAttached || !kinds.has('sigstore')
        ? undefined
        : `${registriesD.path} does not say that signatures are attached to it`,
  };
}

/** @throws {RegistryError} */
async function* signaturesAt(
  endpoints: readonly Endpoint[],
  manifest: string,
  kinds: Kinds,
  looking: Looking,
): AsyncGenerator<readonly Signature[]> {
  let failure: RegistryError | undefined;
  for (const endpoint of endpoints) {
    for (const look of placesOf(endpoint, manifest, kinds, looking)) {
      try {
        yield await look();
      } catch (error) {
        looking.signal?.throwIfAborted();
        if (!(error instanceof RegistryError)) throw error;
        failure = error;
      }
    }
  }
  if (failure !== undefined) throw failure;
}

type Look = () => Promise<readonly Signature[]>;

/** The places beside one endpoint. */
function placesOf(
  endpoint: Endpoint,
  manifest: string,
  kinds: Kinds,
  { exchange, registriesD, readFile, access, signal, ask }: Looking,
): readonly Look[] {
  const attached = () =>
    ask(endpoint, () => fetchAttachments(exchange, endpoint, access, manifest, signal));
  const aside = async () => {
    const url = lookasideUrl(registriesD, endpoint);
    // The host of the lookaside may be silent while the registry answers, or the other way round.
    const place = { ...endpoint, host: url.host };
    return ask(place, () => readLookaside({ exchange, readFile, signal }, place, url, manifest));
  };
  const inside = () =>
    ask(endpoint, () => readExtension(exchange, endpoint, access, manifest, signal));
  const isAttached = kinds.has('sigstore') && registriesD.usesAttachments(endpoint);
  // As in containers/image, a registry that stores signatures itself needs no lookaside.
  const simple = async () =>
    (await exchange.supportsSignatures({ endpoint, access, signal })) ? inside() : aside();
  return [...(isAttached ? [attached] : []), simple];
}
