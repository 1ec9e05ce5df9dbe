import * as v from 'valibot';
import { checkBy } from '../../common/check-by.ts';
import type { Endpoint } from '../endpoint.ts';
import { RegistryError } from '../errors.ts';
import { connectionLost, failure, needsTls, refused, unreachable } from '../failure.ts';
import { encodedLogin } from '../http/basic.ts';
import { readBody, TooLarge } from '../http/body.ts';
import { decoded } from '../http/decoded.ts';
import { type Ask, NotConnected, type Transport } from '../http/transport.ts';
import { MAX_HOST, type Reply, sendAndFollow } from '../redirect.ts';
import type { Credentials } from './auth-file.ts';
import type { Challenge } from './challenge.ts';
import type { Way } from './ways.ts';

/** As containers/image. */
const MAX_REPLY_BYTES = 1024 * 1024;

type Bearer = Extract<Way, { readonly scheme: 'bearer' }>;

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
  way: Bearer,
  base: URL,
  credentials: Credentials | undefined,
  needsTls: boolean,
): Promise<string> {
  const mayBePlain = needsTls ? endpoint.isInsecureByHost : endpoint.insecure;
  const realm = realmOf(endpoint, way.challenge, base, mayBePlain);
  const { registry } = endpoint;
  const timeouts = transport.timeoutsOf(registry);
  const expected = `a token from ${realm.host} for ${registry}`;
  const { response } = await send(transport, endpoint, expected, {
    ...(credentials?.identityToken === undefined
      ? askWithPassword(realm, way, credentials)
      : askWithToken(realm, way, credentials.identityToken.reveal())),
    registry,
    insecure: mayBePlain,
    patience: timeouts.mirrorReply,
  });
  if (!isSuccess(response.statusCode)) {
    const secrets = secretsOf(credentials);
    throw await refused(endpoint, expected, response, { secrets, timeouts });
  }
  try {
    const body = await readBody(response, MAX_REPLY_BYTES, timeouts);
    return parse(endpoint, expected, decoded(body, response.headers, MAX_REPLY_BYTES));
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
  return encodedLogin(username, password.reveal());
}

function realmOf(
  endpoint: Endpoint,
  { parameters }: Challenge,
  base: URL,
  mayBePlain: boolean,
): URL {
  const realm = URL.parse(parameters.get('realm') ?? '', base.href);
  if (parameters.get('realm') === undefined || realm === null || realm.host.length > MAX_HOST) {
    throw badToken(endpoint, 'a challenge with a realm', 'none that is a URL');
  }
  const isAllowed = realm.protocol === 'https:' || (mayBePlain && realm.protocol === 'http:');
  if (!isAllowed && endpoint.insecure) throw needsTls(endpoint);
  if (!isAllowed) throw badToken(endpoint, 'a realm with TLS', `${realm.protocol}//${realm.host}`);
  return realm;
}

/** Token servers also answer 201 and 202. */
function isSuccess(status: number | undefined): boolean {
  return status === 200 || status === 201 || status === 202;
}

function askWithPassword(
  realm: URL,
  { challenge, scopes }: Bearer,
  credentials: Credentials | undefined,
): Pick<Ask, 'url' | 'headers'> {
  const url = new URL(realm);
  const service = challenge.parameters.get('service');
  if (service !== undefined) url.searchParams.set('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  if (credentials === undefined) return { url, headers: {} };
  const { username, password } = credentials;
  if (username === '') return { url, headers: {} };
  url.searchParams.set('account', username);
  if (password.reveal() === '') return { url, headers: {} };
  return { url, headers: { authorization: `Basic ${basic(credentials)}` } };
}

function askWithToken(url: URL, { challenge, scopes }: Bearer, token: string) {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    service: challenge.parameters.get('service') ?? '',
    scope: scopes.join(' '),
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
    if (error instanceof NotConnected) {
      // The registry itself may be well: the host of the tokens is the one that can't be reached.
      throw unreachable({ ...endpoint, host: ask.url.host }, error.cause, expected);
    }
    throw connectionLost(endpoint, expected, error);
  }
}

function parse(endpoint: Endpoint, expected: string, body: Buffer): string {
  let reply: unknown;
  try {
    reply = JSON.parse(body.toString('utf8'));
  } catch {
    // The message of JSON.parse may quote part of the token.
    throw badToken(endpoint, expected, 'something that is not JSON');
  }
  const token = tokenIn(reply);
  if (token === undefined || !/^[\t\x20-\x7e]+$/.test(token)) {
    throw badToken(endpoint, expected, 'a reply without one');
  }
  return token;
}

const schema = v.object({ token: v.nullish(v.string()), access_token: v.nullish(v.string()) });

/** Reads a reply as other clients do, which are written in Go: its JSON decoder also takes `Token` for `token`. */
function tokenIn(reply: unknown): string | undefined {
  const fields = Object.entries(Object(reply)).filter(([, value]) => value !== null);
  const lowered = Object.fromEntries(fields.map(([name, value]) => [name.toLowerCase(), value]));
  const checked = checkBy(schema, lowered);
  return checked.success
    ? checked.output.token || checked.output.access_token || undefined
    : undefined;
}

function badToken(endpoint: Endpoint, expected: string, found: string): RegistryError {
  return failure('bad-reply', endpoint, expected, found, {
    hint: `see whether ${endpoint.registry} is a registry, and tell those who run it`,
  });
}
