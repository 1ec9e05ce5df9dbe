import type { IncomingMessage } from 'node:http';
import type { Endpoint } from '../endpoint.ts';
import { RegistryError } from '../errors.ts';
import type { Exchange } from '../exchange.ts';
import { connectionLost, failure, printable } from '../failure.ts';
import { readBody, TooLarge } from '../http/body.ts';
import { percentDecoded } from '../percent-decoded.ts';
import type { RegistriesD } from './registries-d.ts';
import {
  MAX_SIGNATURE_BYTES,
  MAX_SIGNATURES,
  parseSignature,
  type Signature,
} from './signature.ts';

/** What reads the files of a lookaside. */
export interface LookasideReader {
  readonly exchange: Exchange;
  /** Reads a file of this machine; undefined if it is not there. */
  readonly readFile: (path: string) => Buffer | undefined;
  readonly signal: AbortSignal | undefined;
}

/** The lookaside of an endpoint. */
export interface Lookaside {
  readonly url: URL;
  /** The host in the URL; empty for a directory of this machine. */
  readonly host: string;
  /** The decoded path in the URL, below which the repositories are. */
  readonly path: string;
}

/** @throws {RegistryError} `registry-config` for a URL of another kind. */
export function lookasideUrl(registriesD: RegistriesD, endpoint: Endpoint): Lookaside {
  const base = registriesD.lookasideOf(endpoint);
  const url = URL.parse(base);
  const decoded = url === null ? undefined : percentDecoded(url.pathname);
  if (url === null || decoded === undefined || !/^(?:file|https?):$/.test(url.protocol)) {
    throw new RegistryError(
      'registry-config',
      `${registriesD.path}: expected the lookaside of ${endpoint.registry} to be a URL (file, http or https), found another text`,
      { hint: 'correct the lookaside: containers-registries.d(5)' },
    );
  }
  // A URL without a path has the path / in JavaScript, and none in Go.
  const isBare = /^[^:]*:\/\/[^/?#]*(?:[?#]|$)/.test(base);
  return { url, host: url.host, path: isBare ? '' : decoded };
}

/**
 * Reads the signatures of a manifest from a lookaside: `signature-1`, `signature-2` and so on until one is
 * not there. Source: containers/image, docs/signature-protocols.md.
 *
 * @throws {RegistryError} also for too many signatures, or a file that is none; `too-slow` if all together take
 *   too long.
 */
export async function readLookaside(
  reader: LookasideReader,
  endpoint: Endpoint,
  lookaside: Lookaside,
  manifest: string,
): Promise<readonly Signature[]> {
  const { lookaside: longest } = reader.exchange.timeoutsOf(endpoint);
  const deadline = AbortSignal.timeout(longest);
  const signal = AbortSignal.any([deadline, ...(reader.signal ? [reader.signal] : [])]);
  try {
    return await readAll({ ...reader, signal }, endpoint, lookaside, manifest);
  } catch (error) {
    reader.signal?.throwIfAborted();
    if (!deadline.aborted) throw error;
    const expected = `all signatures of ${manifest} within ${longest / 1000} seconds`;
    throw failure('too-slow', endpoint, expected, 'more time was needed', {
      hint: 'find out what slows the lookaside of registries.d down',
      cause: error,
    });
  }
}

async function readAll(
  reader: LookasideReader,
  endpoint: Endpoint,
  { url, path }: Lookaside,
  manifest: string,
): Promise<readonly Signature[]> {
  const directory = `${path}/${endpoint.repository}@${manifest.replace(':', '=')}`;
  const signatures: Signature[] = [];
  for (let number = 1; ; number++) {
    const place = { url, path: `${directory}/signature-${number}` };
    const file = await readAt(reader, endpoint, place);
    if (file === undefined) return signatures;
    if (number > MAX_SIGNATURES) {
      throw wrong(endpoint, `at most ${MAX_SIGNATURES} signatures of ${manifest}`, 'more');
    }
    const signature = parseSignature(file);
    if (signature === undefined) {
      throw wrong(endpoint, `a signature at ${called(place)}`, 'a file of another kind');
    }
    if (signature !== 'other') signatures.push(signature);
  }
}

type Place = Pick<Lookaside, 'url' | 'path'>;

/** The place in messages: a URL may have a password, or a token in its query. */
function called({ url, path }: Place): string {
  return printable(`${url.protocol}//${url.host}${path}`, 400);
}

async function readAt(
  { exchange, readFile, signal }: LookasideReader,
  endpoint: Endpoint,
  place: Place,
): Promise<Buffer | undefined> {
  if (place.url.protocol === 'file:') return readFile(place.path);
  const url = new URL(place.url);
  url.pathname = place.path.replaceAll('%', '%25');
  const expected = `a signature at ${called(place)}`;
  try {
    const response = await exchange.getFile({ endpoint, url, expected, signal });
    return await readWhole(exchange, endpoint, expected, response);
  } catch (error) {
    if (error instanceof RegistryError && error.code === 'not-found') return undefined;
    throw error;
  }
}

async function readWhole(
  exchange: Exchange,
  endpoint: Endpoint,
  expected: string,
  response: IncomingMessage,
): Promise<Buffer> {
  try {
    return await readBody(response, MAX_SIGNATURE_BYTES, exchange.timeoutsOf(endpoint));
  } catch (error) {
    if (!(error instanceof TooLarge)) throw connectionLost(endpoint, expected, error);
    throw wrong(endpoint, `${expected} of at most ${MAX_SIGNATURE_BYTES} bytes`, 'more');
  }
}

function wrong(endpoint: Endpoint, expected: string, found: string): RegistryError {
  return failure('bad-reply', endpoint, expected, found, {
    hint: 'see what lies in the lookaside of registries.d: `skopeo copy --sign-by` writes what is understood',
  });
}
