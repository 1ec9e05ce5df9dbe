import type { IncomingMessage } from 'node:http';
import { cutShort } from '../common/concealed.ts';
import { systemErrorCode } from '../common/errors.ts';
import type { Endpoint } from './endpoint.ts';
import { RegistryError, type RegistryErrorCode, type RegistryErrorOptions } from './errors.ts';
import { readBody, type Timeouts, TooLarge } from './http/body.ts';
import { ProxyError } from './http/tunnel.ts';
import { LONGEST_RETRY_AFTER, millisecondsOf, pointInTime } from './retry-after.ts';

/** An error about an endpoint: what was expected of it, and what was found. */
export function failure(
  code: RegistryErrorCode,
  { registry, repository }: Pick<Endpoint, 'registry' | 'repository'>,
  expected: string,
  found: string,
  options: RegistryErrorOptions,
): RegistryError {
  const message = `registry ${registry}, repository ${repository}: expected ${expected}, found ${found}`;
  return new RegistryError(code, message, options);
}

/**
 * The error for a connection that could not be made. Its cause is kept, which has addresses but no headers.
 */
export function unreachable(endpoint: Endpoint, cause: unknown): RegistryError {
  return failure('registry-unreachable', endpoint, 'a connection', reasonOf(cause), {
    hint:
      cause instanceof ProxyError
        ? 'check HTTPS_PROXY, HTTP_PROXY and NO_PROXY, and what the proxy allows'
        : unreachableHint(endpoint, systemErrorCode(cause) ?? ''),
    cause,
  });
}

function unreachableHint({ host, registry }: Endpoint, code: string): string {
  if (/CERT|SELF_SIGNED|UNABLE_TO|ISSUER/.test(code)) {
    return `add the CA to the certificates of the system or to certs.d/${registry}, or set insecure = true in registries.conf`;
  }
  if (/SSL|EPROTO/.test(code)) {
    return `if ${registry} speaks plain HTTP, set insecure = true for it in registries.conf`;
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return `check the name ${host.replace(/:\d+$/, '')} and the name servers (\`getent hosts\`), and try again`;
  }
  return `see whether ${host} can be reached from here, and try again`;
}

/** The error for a connection that broke, fell silent, or carried something other than HTTP. */
export function connectionLost(
  endpoint: Endpoint,
  expected: string,
  cause: unknown,
): RegistryError {
  // Codes of llhttp mean that the reply is not HTTP, except the code for a connection that ended in a
  // header.
  if (/^HPE_(?!INVALID_EOF_STATE)/.test(systemErrorCode(cause) ?? '')) {
    return failure(
      'bad-reply',
      endpoint,
      expected,
      `something that is not HTTP: ${reasonOf(cause)}`,
      {
        hint: `see whether ${endpoint.registry} is a registry, and what lies on the way to it`,
        cause,
      },
    );
  }
  return failure('connection-lost', endpoint, expected, reasonOf(cause), {
    hint: 'try again; if this persists, look for a proxy or a time limit on the way',
    cause,
  });
}

function reasonOf(error: unknown): string {
  const code = systemErrorCode(error);
  // A proxy's error begins with the proxy's name.
  const known = error instanceof ProxyError ? undefined : inWords[code ?? ''];
  if (known !== undefined) return `${known} (${code})`;
  const first = printable(shortMessage(error));
  return code === undefined || first.includes(code) ? first : `${first} (${code})`;
}

/** Plain words for codes that Node only quotes: `getaddrinfo ENOTFOUND`. */
const inWords: Readonly<Record<string, string>> = {
  ENOTFOUND: 'no address of that host',
  EAI_AGAIN: 'no answer from the name servers',
  ECONNREFUSED: 'connection refused',
  EHOSTUNREACH: 'no route to that host',
  ENETUNREACH: 'no network that reaches it',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'a self-signed certificate',
  SELF_SIGNED_CERT_IN_CHAIN: 'a certificate of a CA that is unknown here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'a certificate of a CA that is unknown here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'a certificate of a CA that is unknown here',
};

function shortMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // OpenSSL's reason, such as `wrong version number`; its message has source files and lines.
  if ('reason' in error && typeof error.reason === 'string') return error.reason;
  // The same reason, in an error that libuv passes on as text.
  const word = /:error:[0-9A-F]{8}:[^:]*:[^:]*:([^:]+):/.exec(error.message)?.[1];
  if (word !== undefined) return word;
  // Node's advice about its own options is no use here.
  return (error.message.split('\n')[0] ?? '').replace(/; if the root CA is installed.*/, '');
}

/**
 * The error for credentials of an `AuthFile=` that would be sent without TLS: only root can read the file,
 * and the unit's `TLSVerify=false` is no reason to show it to whoever answers.
 */
export function needsTls(endpoint: Endpoint): RegistryError {
  return failure('unauthorized', endpoint, 'TLS, for credentials of an AuthFile=', 'plain HTTP', {
    hint: 'use TLS on the registry, or set insecure = true for it in this host’s registries.conf',
  });
}

/** The error for an unsuccessful reply. Reads no more of the body than an error may quote. */
export async function refused(
  endpoint: Endpoint,
  expected: string,
  response: IncomingMessage,
  { secrets, timeouts }: { readonly secrets: readonly string[]; readonly timeouts: Timeouts },
): Promise<RegistryError> {
  const status = response.statusCode ?? 0;
  const said = quote(await bodyOf(response, timeouts), secrets);
  const found = said === '' ? `${status}` : `${status} (${said})`;
  const retryAfter = millisecondsOf(response.headers['retry-after']);
  const [code, hint] = meaningOf(status, endpoint, retryAfter);
  return failure(code, endpoint, expected, found, { hint, retryAfter });
}

function meaningOf(status: number, { registry }: Endpoint, retryAfter: number | undefined) {
  const meaning = (code: RegistryErrorCode, hint: string) => [code, hint] as const;
  if (status === 401) {
    return meaning('unauthorized', `log in with \`podman login ${registry}\`, or check the name`);
  }
  if (status === 403) {
    return meaning(
      'forbidden',
      `ask for the right to pull, or log in to ${registry} as another user`,
    );
  }
  if (status === 404) return meaning('not-found', 'check the name and the tag: they may be gone');
  const when = retryAfter === undefined ? 'later' : untilWhen(retryAfter);
  if (status === 429) {
    return meaning('rate-limited', `try again ${when}, or log in to be allowed more`);
  }
  if (status === 408) return meaning('connection-lost', 'try again');
  if (status >= 500) {
    return meaning('registry-failed', `try again ${when}: the registry is at fault`);
  }
  return meaning('bad-reply', `see whether ${registry} is a registry (distribution-spec)`);
}

function untilWhen(retryAfter: number): string {
  return retryAfter > LONGEST_RETRY_AFTER
    ? `after ${pointInTime(retryAfter)}`
    : `in ${Math.ceil(retryAfter / 1000)} seconds`;
}

const MAX_QUOTED_BYTES = 8 * 1024;
const MAX_QUOTED_CHARACTERS = 200;

async function bodyOf(response: IncomingMessage, timeouts: Timeouts): Promise<string> {
  try {
    return (await readBody(response, MAX_QUOTED_BYTES, timeouts)).toString('utf8');
  } catch (error) {
    // If the body breaks off, the status is enough.
    return error instanceof TooLarge ? error.start.toString('utf8') : '';
  }
}

/** A registry's message without secrets, control characters and queries of URLs. */
function quote(body: string, secrets: readonly string[]): string {
  let words = errorWords(body);
  for (const secret of secrets) if (secret !== '') words = words.replaceAll(secret, '***');
  return printable(words.replace(/\?[^\s"')]*/g, '?…'));
}

/** A text that is cut to fit into a message, with every character escaped that could control a terminal. */
export function printable(text: string, maxCharacters = MAX_QUOTED_CHARACTERS): string {
  return cutShort(text, maxCharacters).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, escape);
}

function escape(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

/**
 * The first error in the body by distribution-spec, "Error Codes": `{"errors": [{"code", "message"}]}`;
 * otherwise the whole body.
 */
function errorWords(body: string): string {
  try {
    const { errors }: { readonly errors?: unknown } = Object(JSON.parse(body));
    const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
    const { code, message }: { readonly code?: unknown; readonly message?: unknown } =
      Object(first);
    const words = [code, message].filter((word) => typeof word === 'string' && word !== '');
    if (words.length > 0) return words.join(': ');
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return body.trim();
}
