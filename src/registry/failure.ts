import type { IncomingMessage } from 'node:http';
import { cutShort } from '../common/concealed.ts';
import { systemErrorCode } from '../common/errors.ts';
import type { Endpoint } from './endpoint.ts';
import { RegistryError, type RegistryErrorCode, type RegistryErrorOptions } from './errors.ts';
import { readBody, Stalled, type Timeouts, TooLarge } from './http/body.ts';
import { NoneReached } from './http/dial.ts';
import { NotHttp } from './http/head.ts';
import { tlsFailure } from './http/tls-failure.ts';
import { ProxyError } from './http/way.ts';
import { isWebPage, webPageHint } from './http/web-page.ts';
import { inWords, millisecondsOf } from './retry-after.ts';

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
export function unreachable(
  endpoint: Endpoint,
  cause: unknown,
  expected = 'a connection',
): RegistryError {
  const isOfProxy = cause instanceof ProxyError;
  const ofTls = isOfProxy ? tlsFailure(cause.cause, cause.host) : tlsFailure(cause, endpoint.host);
  const usual = isOfProxy
    ? 'check HTTPS_PROXY, HTTP_PROXY and NO_PROXY, and what the proxy allows'
    : unreachableHint(endpoint, systemErrorCode(cause) ?? '');
  const reason = reasonOf(cause, endpoint.host);
  return failure('registry-unreachable', endpoint, expected, reason, {
    hint: ofTls?.hint ?? usual,
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
  const odd = oddityOf(cause);
  if (odd !== undefined) {
    const found = `${odd}: ${reasonOf(cause)}`;
    return failure('bad-reply', endpoint, expected, found, {
      hint: `see whether ${endpoint.registry} is a registry, and what lies on the way to it`,
      cause,
    });
  }
  return failure('connection-lost', endpoint, expected, reasonOf(cause), {
    hint: 'try again; if this persists, look for a proxy or a time limit on the way',
    cause,
  });
}

/** What arrived, if it makes no sense: asking again would not help then. */
function oddityOf(cause: unknown): string | undefined {
  const code = systemErrorCode(cause) ?? '';
  // Codes of llhttp, except the code for a connection that ended in a header.
  const isHttp = !/^HPE_(?!INVALID_EOF_STATE)/.test(code) && !(cause instanceof NotHttp);
  if (!isHttp) return 'something that is not HTTP';
  return code.startsWith('Z_') && code !== 'Z_BUF_ERROR' ? 'something that is not gzip' : undefined;
}

/** The error for an endpoint that is too slow while another one can be asked. */
export function tooSlow(endpoint: Endpoint, expected: string, cause: Stalled): RegistryError {
  return failure('too-slow', endpoint, expected, cause.message, {
    hint: 'find out what slows this mirror down, or remove it from registries.conf',
    cause,
  });
}

function reasonOf(error: unknown, host = ''): string {
  if (error instanceof NoneReached) return reasonsOf(error);
  const failed = error instanceof ProxyError ? undefined : tlsFailure(error, host);
  if (failed !== undefined) return printable(failed.found, 400);
  const code = systemErrorCode(error);
  // A proxy's error begins with the proxy's name.
  const known = error instanceof ProxyError ? undefined : plainWords[code ?? ''];
  if (known !== undefined) return `${known} (${code})`;
  const first = printable(shortMessage(error));
  return code === undefined || first.includes(code) ? first : `${first} (${code})`;
}

/** How many addresses of a host an error names: a name can have thousands. */
const MAX_ADDRESSES = 8;

function reasonsOf({ errors }: NoneReached): string {
  const reasons = errors.slice(0, MAX_ADDRESSES).map(reasonWithAddress);
  const more = errors.length - reasons.length;
  return [...reasons, ...(more === 0 ? [] : [`and ${more} more addresses`])].join('; ');
}

function reasonWithAddress(error: Error): string {
  const address = 'address' in error && typeof error.address === 'string' ? error.address : '';
  const reason = reasonOf(error);
  return address === '' ? reason : `${address}: ${reason}`;
}

/** Plain words for codes that Node only quotes: `getaddrinfo ENOTFOUND`. */
const plainWords: Readonly<Record<string, string>> = {
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

interface Refused {
  readonly secrets: readonly string[];
  readonly timeouts: Timeouts;
  /** Whether the registry asks for a login, and the request had none. */
  readonly isStranger?: boolean;
}

/** The error for an unsuccessful reply. Reads no more of the body than an error may quote. */
export async function refused(
  endpoint: Endpoint,
  expected: string,
  response: IncomingMessage,
  { secrets, timeouts, isStranger = false }: Refused,
): Promise<RegistryError> {
  const status = response.statusCode ?? 0;
  const body = await bodyOf(response, timeouts);
  const said = quote(body, secrets);
  const found = said === '' ? `${status}` : `${status} (${said})`;
  const retryAfter = millisecondsOf(response.headers['retry-after']);
  const [code, usual] = meaningOf(status, endpoint, retryAfter);
  const more = [
    ...(status === 404 && isStranger ? [loginHint(endpoint)] : []),
    ...(isWebPage(Buffer.from(body)) ? [webPageHint(endpoint.registry)] : []),
  ];
  const hint = [usual, ...more].join('; ');
  return failure(code, endpoint, expected, found, { hint, retryAfter, status });
}

function loginHint({ registry }: Endpoint): string {
  return `or log in with \`podman login ${registry}\`, as the registry shows some images only to those whom it knows`;
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
  const when = retryAfter === undefined ? 'later' : inWords(retryAfter);
  if (status === 429) {
    return meaning('rate-limited', `try again ${when}, or log in to be allowed more`);
  }
  if (status === 408) return meaning('connection-lost', 'try again');
  if (status >= 500) {
    return meaning('registry-failed', `try again ${when}: the registry is at fault`);
  }
  return meaning('bad-reply', `see whether ${registry} is a registry (distribution-spec)`);
}

const MAX_QUOTED_BYTES = 8 * 1024;
const MAX_QUOTED_CHARACTERS = 200;

async function bodyOf(response: IncomingMessage, timeouts: Timeouts): Promise<string> {
  try {
    const patience = { ...timeouts, reply: timeouts.idle };
    return (await readBody(response, MAX_QUOTED_BYTES, patience)).toString('utf8');
  } catch (error) {
    // If the body breaks off, the status is enough.
    return error instanceof TooLarge ? error.start.toString('utf8') : '';
  }
}

/** A registry's message without secrets, control characters and queries of URLs. */
function quote(body: string, secrets: readonly string[]): string {
  let words = errorWords(body);
  for (const secret of secrets) if (secret !== '') words = words.replaceAll(secret, '***');
  words = words.replace(TOKEN, '$1***');
  return printable(words.replace(/\?[^\s"')]*/g, '?…'));
}

/** A token as a server of tokens writes it, up to the end of the text if that is cut. */
const TOKEN = /(token"\s*:\s*")(?:[^"\\]|\\.)*/gi;

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
