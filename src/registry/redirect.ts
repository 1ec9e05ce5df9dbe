import type { IncomingMessage } from 'node:http';
import type { Endpoint } from './endpoint.ts';
import { failure } from './failure.ts';
import { lengthOf } from './http/body.ts';
import type { Ask, Transport } from './http/transport.ts';

const MAX_REDIRECTS = 5;

/** In characters, of a host with its port: a name has 253 at most, and errors quote it. */
export const MAX_HOST = 300;

/** A reply, and the URL from which it came. */
export interface Reply {
  readonly url: URL;
  /** Whether redirects led to another origin, even if they led back. */
  readonly isElsewhere: boolean;
  readonly response: IncomingMessage;
}

/**
 * Sends a request and follows redirects. Credentials belong to one origin (scheme, host and port): after a
 * redirect to another origin they are not sent any more, even if redirects lead back.
 *
 * @throws {RegistryError} `bad-reply` for too many redirects, or for one from TLS to plain HTTP.
 */
export async function sendAndFollow(
  transport: Transport,
  endpoint: Endpoint,
  ask: Ask,
): Promise<Reply> {
  let { url, headers } = ask;
  let isElsewhere = false;
  let response = await transport.send(ask);
  for (let count = 1; isRedirect(response); count++) {
    const target = targetOf(response, url, endpoint);
    discard(response);
    if (count > MAX_REDIRECTS) {
      throw badRedirect(
        endpoint,
        `at most ${MAX_REDIRECTS} redirects`,
        `one more, to ${target.host}`,
      );
    }
    if (target.origin !== url.origin) {
      isElsewhere = true;
      headers = withoutCredentials(headers);
    }
    url = target;
    response = await transport.send({ ...ask, url, headers });
  }
  return { url, isElsewhere, response };
}

/** Discards a body. If the rest is small, the connection is kept for reuse; otherwise it is closed. */
export function discard(response: IncomingMessage): void {
  // Nobody reads the body any more, so its errors are ignored.
  response.on('error', () => undefined);
  const length = lengthOf(response);
  if (length !== undefined && length <= 64 * 1024) response.resume();
  else response.destroy();
}

function isRedirect({ statusCode, headers }: IncomingMessage): boolean {
  return [301, 302, 303, 307, 308].includes(statusCode ?? 0) && headers.location !== undefined;
}

function targetOf({ headers }: IncomingMessage, from: URL, endpoint: Endpoint): URL {
  const target = URL.parse(headers.location ?? '', from.href);
  if (target === null || !/^https?:$/.test(target.protocol) || target.host.length > MAX_HOST) {
    throw badRedirect(endpoint, 'a redirect to an HTTP URL', 'one to something else');
  }
  if (target.protocol === 'http:' && from.protocol === 'https:' && !endpoint.insecure) {
    throw badRedirect(endpoint, 'a redirect that stays with TLS', `plain HTTP at ${target.host}`);
  }
  return target;
}

function withoutCredentials(headers: Ask['headers']): Ask['headers'] {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'authorization'));
}

function badRedirect(endpoint: Endpoint, expected: string, found: string) {
  return failure('bad-reply', endpoint, expected, found, {
    hint: 'tell those who run the registry: its redirects are wrong',
  });
}
