import * as v from 'valibot';
import type { Endpoint } from '../endpoint.ts';
import { RegistryError } from '../errors.ts';
import { connectionLost, failure, needsTls, refused, unreachable } from '../failure.ts';
import { readBody, TooLarge } from '../http/body.ts';
import { type Ask, NotConnected, type Transport } from '../http/transport.ts';
import { type Reply, sendAndFollow } from '../redirect.ts';
import type { Credentials } from './auth-file.ts';
import type { Challenge } from './challenge.ts';

const MAX_REPLY_BYTES = 256 * 1024;

/**
 * Gets a bearer token by "Token Authentication" and "OAuth2" of the distribution project; without
 * credentials, an anonymous token.
 *
 * @param base the URL that was requested: a realm may be relative to it.
 * @param needsTls whether the credentials may be sent without TLS only if the host's registries.conf says
 *   `insecure`.
 * @throws {RegistryError}
 */
export async function fetchToken(
  transport: Transport,
  endpoint: Endpoint,
  challenge: Challenge,
  base: URL,
  credentials: Credentials | undefined,
  needsTls: boolean,
): Promise<string> {
  const mayBePlain = needsTls ? endpoint.isInsecureByHost : endpoint.insecure;
  const realm = realmOf(endpoint, challenge, base, mayBePlain);
  const { registry } = endpoint;
  const expected = `a token from ${realm.host} for ${registry}`;
  const { response } = await send(transport, endpoint, expected, {
    ...(credentials?.identityToken === undefined
      ? askWithPassword(realm, challenge, endpoint, credentials)
      : askWithToken(realm, challenge, endpoint, credentials.identityToken.reveal())),
    registry,
    insecure: mayBePlain,
  });
  if (response.statusCode !== 200) {
    const secrets = secretsOf(credentials);
    throw await refused(endpoint, expected, response, { secrets, timeouts: transport.timeouts });
  }
  try {
    const body = await readBody(response, MAX_REPLY_BYTES, transport.timeouts);
    return parse(endpoint, expected, body);
  } catch (error) {
    if (error instanceof RegistryError) throw error;
    if (error instanceof TooLarge) throw badToken(endpoint, expected, error.message);
    throw connectionLost(endpoint, expected, error);
  }
}

/** All spellings of the secrets, which must not be shown if a registry quotes them in an error. */
export function secretsOf(credentials: Credentials | undefined): readonly string[] {
  if (credentials === undefined) return [];
  const { password, identityToken } = credentials;
  const said = [password.reveal(), identityToken?.reveal() ?? ''].flatMap(spellings);
  return [basic(credentials), ...said];
}

/** A secret as plain text, and as written in a URL, a form and JSON. */
function spellings(secret: string): readonly string[] {
  return [
    secret,
    encodeURIComponent(secret.toWellFormed()),
    new URLSearchParams({ x: secret }).toString().slice('x='.length),
    JSON.stringify(secret).slice(1, -1),
  ];
}

/** The value of a `Basic` header by RFC 7617, without the scheme. */
export function basic({ username, password }: Credentials): string {
  return Buffer.from(`${username}:${password.reveal()}`).toString('base64');
}

function realmOf(
  endpoint: Endpoint,
  { parameters }: Challenge,
  base: URL,
  mayBePlain: boolean,
): URL {
  const realm = URL.parse(parameters.get('realm') ?? '', base.href);
  if (parameters.get('realm') === undefined || realm === null) {
    throw badToken(endpoint, 'a challenge with a realm', 'none that is a URL');
  }
  const isAllowed = realm.protocol === 'https:' || (mayBePlain && realm.protocol === 'http:');
  if (!isAllowed && endpoint.insecure) throw needsTls(endpoint);
  if (!isAllowed) throw badToken(endpoint, 'a realm with TLS', `${realm.protocol}//${realm.host}`);
  return realm;
}

function scopeOf({ parameters }: Challenge, { repository }: Endpoint): string {
  return parameters.get('scope') || `repository:${repository}:pull`;
}

function askWithPassword(
  realm: URL,
  challenge: Challenge,
  endpoint: Endpoint,
  credentials: Credentials | undefined,
): Pick<Ask, 'url' | 'headers'> {
  const url = new URL(realm);
  const service = challenge.parameters.get('service');
  if (service !== undefined) url.searchParams.set('service', service);
  // A challenge has its scopes in one text with spaces; the URL has one parameter for each.
  for (const scope of scopeOf(challenge, endpoint).split(' '))
    url.searchParams.append('scope', scope);
  if (credentials === undefined) return { url, headers: {} };
  const { username, password } = credentials;
  if (username === '') return { url, headers: {} };
  url.searchParams.set('account', username);
  if (password.reveal() === '') return { url, headers: {} };
  return { url, headers: { authorization: `Basic ${basic(credentials)}` } };
}

function askWithToken(url: URL, challenge: Challenge, endpoint: Endpoint, token: string) {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    service: challenge.parameters.get('service') ?? '',
    scope: scopeOf(challenge, endpoint),
    client_id: 'berth',
    refresh_token: token,
  });
  return { url, headers: {}, form };
}

/** Sends a request for a token. The body of a form contains a secret, so no redirect is followed. */
async function send(
  transport: Transport,
  endpoint: Endpoint,
  expected: string,
  ask: Ask,
): Promise<Pick<Reply, 'response'>> {
  try {
    if (ask.form === undefined) return await sendAndFollow(transport, endpoint, ask);
    return { response: await transport.send(ask) };
  } catch (error) {
    if (error instanceof RegistryError) throw error;
    if (error instanceof NotConnected) throw unreachable(endpoint, error.cause);
    throw connectionLost(endpoint, expected, error);
  }
}

const schema = v.object({ token: v.optional(v.string()), access_token: v.optional(v.string()) });

function parse(endpoint: Endpoint, expected: string, body: Buffer): string {
  let reply: unknown;
  try {
    reply = JSON.parse(body.toString('utf8'));
  } catch {
    // The message of JSON.parse may quote part of the token.
    throw badToken(endpoint, expected, 'something that is not JSON');
  }
  const checked = v.safeParse(schema, reply);
  const token = checked.success ? checked.output.token || checked.output.access_token : undefined;
  if (token === undefined || !/^[\x21-\x7e]+$/.test(token)) {
    throw badToken(endpoint, expected, 'a reply without one');
  }
  return token;
}

function badToken(endpoint: Endpoint, expected: string, found: string): RegistryError {
  return failure('bad-reply', endpoint, expected, found, {
    hint: `see whether ${endpoint.registry} is a registry, and tell those who run it`,
  });
}
