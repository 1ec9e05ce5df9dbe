import type { IncomingMessage } from 'node:http';
import { isDigest, sha256 } from '../image/digest.ts';
import { MAX_DOCUMENT_BYTES } from '../oci/document.ts';
import type { Manifest } from '../oci/manifest.ts';
import { ACCEPTED_TYPES } from '../oci/media-types.ts';
import type { Access } from './access.ts';
import type { Endpoint } from './endpoint.ts';
import type { Exchange } from './exchange.ts';
import { connectionLost, failure, printable } from './failure.ts';
import { readBody, type Timeouts, TooLarge } from './http/body.ts';
import { discard } from './redirect.ts';

/**
 * Gets a manifest or index by tag or digest, and hashes it. For a tag, the digest that the registry
 * gives proves only that the bytes came as they were sent.
 *
 * @throws {RegistryError}
 */
export async function fetchManifest(
  exchange: Exchange,
  endpoint: Endpoint,
  access: Access,
  reference: string,
  signal?: AbortSignal,
): Promise<Manifest> {
  const expected = isDigest(reference)
    ? `the manifest ${reference}`
    : `the manifest of tag ${reference}`;
  const path = `manifests/${reference}`;
  const accept = ACCEPTED_TYPES;
  const response = await exchange.get({ endpoint, access, path, accept, expected, signal });
  const mediaType = (response.headers['content-type'] ?? '').replace(/\s*;.*$/s, '').toLowerCase();
  const content = await readWhole(endpoint, expected, response, exchange.timeouts);
  const digest = sha256(content);
  const promised = isDigest(reference) ? reference : promisedDigest(response);
  if (promised !== undefined && promised !== digest) {
    throw failure('digest-mismatch', endpoint, `${expected} to be ${promised}`, digest, {
      hint: 'try again; if it stays so, do not trust the registry, nor a proxy on the way',
    });
  }
  return { mediaType: printable(mediaType), digest, content };
}

function promisedDigest({ headers }: IncomingMessage): string | undefined {
  const promised = headers['docker-content-digest'];
  return typeof promised === 'string' && isDigest(promised) ? promised : undefined;
}

async function readWhole(
  endpoint: Endpoint,
  expected: string,
  response: IncomingMessage,
  timeouts: Timeouts,
): Promise<Buffer> {
  if (Number(response.headers['content-length']) > MAX_DOCUMENT_BYTES) {
    discard(response);
    throw tooLarge(endpoint, expected);
  }
  try {
    return await readBody(response, MAX_DOCUMENT_BYTES, timeouts);
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
