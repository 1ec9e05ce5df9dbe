import type { IncomingMessage } from 'node:http';
import { isDigest, sha256 } from '../../image/digest.ts';
import { MAX_DOCUMENT_BYTES } from '../../oci/document.ts';
import type { Manifest } from '../../oci/manifest.ts';
import { ACCEPTED_TYPES } from '../../oci/media-types.ts';
import type { Access } from '../access.ts';
import type { Endpoint } from '../endpoint.ts';
import { RegistryError } from '../errors.ts';
import type { Exchange } from '../exchange.ts';
import { connectionLost, failure, printable } from '../failure.ts';
import { lengthOf, readBody, type Timeouts, TooLarge, timeoutsAfter } from '../http/body.ts';
import { decoded } from '../http/decoded.ts';
import { isWebPage, webPageHint } from '../http/web-page.ts';
import { discard } from '../redirect.ts';

export interface ManifestWatch {
  readonly signal?: AbortSignal | undefined;
  /** Whether another endpoint can be asked if this one is slow. */
  readonly mayLeave?: boolean;
}

/**
 * Gets a manifest or index by tag or digest, and hashes it. For a tag, the digest in the registry's reply
 * proves only that the bytes arrived as they were sent. Some caches send that of another document: then the
 * bytes count if the registry has them by their own digest as well.
 *
 * @throws {RegistryError}
 */
export async function fetchManifest(
  exchange: Exchange,
  endpoint: Endpoint,
  access: Access,
  reference: string,
  watch: ManifestWatch = {},
): Promise<Manifest> {
  const { signal, mayLeave = false } = watch;
  const expected = isDigest(reference)
    ? `the manifest ${reference}`
    : `the manifest of tag ${reference}`;
  const path = `manifests/${reference}`;
  const accept = ACCEPTED_TYPES;
  const request = { endpoint, access, path, accept, expected, mayLeave, signal };
  const asked = performance.now();
  const response = await exchange.get(request);
  const [type = ''] = (response.headers['content-type'] ?? '').split(';', 1);
  const mediaType = type.trimEnd().toLowerCase();
  const timeouts = timeoutsAfter(exchange.timeoutsOf(endpoint), performance.now() - asked);
  const content = await readWhole(endpoint, expected, response, timeouts);
  const digest = sha256(content);
  const promised = isDigest(reference) ? reference : digestIn(response);
  if (promised === undefined || promised === digest) {
    return { mediaType: printable(mediaType), digest, content };
  }
  const altered = failure('digest-mismatch', endpoint, `${expected} to be ${promised}`, digest, {
    hint: isWebPage(content)
      ? webPageHint(endpoint.registry)
      : 'try again; if this persists, do not trust the registry, or a proxy on the way',
  });
  if (isDigest(reference)) throw altered;
  try {
    return await fetchManifest(exchange, endpoint, access, digest, watch);
  } catch (error) {
    signal?.throwIfAborted();
    throw error instanceof RegistryError ? altered : error;
  }
}

function digestIn({ headers }: IncomingMessage): string | undefined {
  const digest = headers['docker-content-digest'];
  return typeof digest === 'string' && isDigest(digest) ? digest : undefined;
}

/**
 * The digest that an endpoint says a tag has now. Registries that limit requests for manifests don't count this
 * one.
 *
 * @returns undefined if the endpoint does not say; many don't know HEAD.
 * @throws {RegistryError} if the endpoint can't be asked at all.
 */
export async function askDigest(
  exchange: Exchange,
  endpoint: Endpoint,
  access: Access,
  { signal, mayLeave = false }: ManifestWatch = {},
): Promise<string | undefined> {
  const expected = `the digest of ${endpoint.reference}`;
  const path = `manifests/${endpoint.reference}`;
  const request = { endpoint, access, path, accept: ACCEPTED_TYPES, expected, mayLeave, signal };
  try {
    const response = await exchange.get({ ...request, isHead: true });
    response.resume();
    return digestIn(response);
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof RegistryError) || error.kind === 'unreachable') throw error;
    return undefined;
  }
}

async function readWhole(
  endpoint: Endpoint,
  expected: string,
  response: IncomingMessage,
  timeouts: Timeouts,
): Promise<Buffer> {
  if ((lengthOf(response) ?? 0) > MAX_DOCUMENT_BYTES) {
    discard(response);
    throw tooLarge(endpoint, expected);
  }
  try {
    const body = await readBody(response, MAX_DOCUMENT_BYTES, timeouts);
    return decoded(body, response.headers, MAX_DOCUMENT_BYTES);
  } catch (error) {
    if (error instanceof TooLarge) throw tooLarge(endpoint, expected);
    throw connectionLost(endpoint, expected, error);
  }
}

function tooLarge(endpoint: Endpoint, expected: string) {
  const most = `${expected} with at most ${MAX_DOCUMENT_BYTES} bytes`;
  return failure('bad-reply', endpoint, most, 'more', {
    hint: 'see what was pushed under that name: an image’s manifest is far smaller',
  });
}
