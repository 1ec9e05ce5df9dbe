import type { IncomingMessage } from 'node:http';
import type { Access } from './access.ts';
import type { Authorization, Authorizations, Demand } from './auth/authorization.ts';
import type { Endpoint } from './endpoint.ts';
import { RegistryError } from './errors.ts';
import { connectionLost, refused, tooSlow, unreachable } from './failure.ts';
import { encodedLogin } from './http/basic.ts';
import { Stalled, type Timeouts } from './http/body.ts';
import { NotConnected, type Transport } from './http/transport.ts';
import { isPassing } from './passing.ts';
import { percentDecoded } from './percent-decoded.ts';
import { discard, type Reply, sendAndFollow } from './redirect.ts';

/** One request to a registry. */
export interface Request {
  readonly endpoint: Endpoint;
  readonly access: Access;
  /** The path below `/v2/REPOSITORY/`, or one on the host, which begins with a slash. */
  readonly path: string;
  readonly accept: string;
  /** The first byte wanted; the status is 206 if the registry can send parts. */
  readonly from?: number;
  /** Whether another endpoint can be asked if this one is slow. */
  readonly mayLeave?: boolean;
  /** Whether only the headers are wanted. */
  readonly isHead?: boolean;
  /** The expectation that an error's message names. */
  readonly expected: string;
  readonly signal?: AbortSignal | undefined;
}

/** A request for a file that is not in a registry, and for which no credentials of the registry are sent. */
export interface FileRequest extends Pick<Request, 'endpoint' | 'expected' | 'signal'> {
  /** A user and password in it are sent to its own origin alone. */
  readonly url: URL;
  /** The registry whose configuration says whether certificates are checked. */
  readonly endpoint: Endpoint;
}

/** The endpoint, credentials and signal of a question about a registry as a whole. */
type Asker = Pick<Request, 'endpoint' | 'access' | 'signal'>;

type Reported = Pick<Request, 'endpoint' | 'expected' | 'mayLeave' | 'signal'>;

interface Answered {
  readonly reply: Reply;
  /** The authorization with which the request was sent. */
  readonly used: Authorization | undefined;
}

/** How often one request may be refused: once for each way to prove who asks, and once for an expired token. */
const MAX_REFUSALS = 6;

/** Asks registries: over HTTPS or HTTP as each allows it, with credentials if one demands them. */
export class Exchange {
  readonly #transport: Transport;
  readonly #authorizations: Authorizations;
  /** For hosts where plain HTTP is allowed: whether TLS worked. */
  readonly #schemes = new Map<string, 'https' | 'http'>();
  readonly #storesSignatures = new Set<string>();
  /** What hosts demand at `/v2/`. */
  readonly #demands = new Map<string, Demand | 'none'>();

  constructor(transport: Transport, authorizations: Authorizations) {
    this.#transport = transport;
    this.#authorizations = authorizations;
  }

  /** Whether the host stores signatures itself, as it says in its replies, or at least at `/v2/`. */
  async supportsSignatures({ endpoint, access, signal }: Asker): Promise<boolean> {
    if (!this.#storesSignatures.has(endpoint.host)) {
      await this.#demandOfRegistry({ endpoint, access, signal });
    }
    return this.#storesSignatures.has(endpoint.host);
  }

  /** How long an endpoint is waited for. */
  timeoutsOf({ registry }: Endpoint): Timeouts {
    return this.#transport.timeoutsOf(registry);
  }

  /** As `Transport.quickestReply`. */
  quickestReply({ registry }: Endpoint): number | undefined {
    return this.#transport.quickestReply(registry);
  }

  /** Returns the reply with status 200, or 206 for a part, with its body still unread. */
  async get(request: Request): Promise<IncomingMessage> {
    const { endpoint, expected } = request;
    const { reply, used } = await this.#authorized(request);
    const { statusCode } = reply.response;
    if (statusCode === 200 || (statusCode === 206 && request.from !== undefined)) {
      return reply.response;
    }
    const via = reply.isElsewhere ? ` by way of ${reply.url.host}` : '';
    const demand = this.#demands.get(demandKey(endpoint)) ?? 'none';
    throw await refused(endpoint, `${expected}${via}`, reply.response, {
      isStranger: used === undefined && demand !== 'none',
      secrets: used?.secrets ?? [],
      timeouts: this.timeoutsOf(endpoint),
    });
  }

  /** Gets a file beside the images of an endpoint, with the endpoint's certificates. */
  async getFile(request: FileRequest): Promise<IncomingMessage> {
    const { endpoint, url, expected, signal } = request;
    const { registry } = endpoint;
    const login = loginOf(url);
    // What the host's URL has of secrets is not for whoever answers to a unit with TLSVerify=false.
    const isSecret = url.username !== '' || url.search !== '';
    const insecure = isSecret ? endpoint.isInsecureByHost : endpoint.insecure;
    const headers = { 'user-agent': 'berth', ...login.headers };
    const { response } = await this.#reported(request, () =>
      sendAndFollow(this.#transport, endpoint, { url, headers, registry, insecure, signal }),
    );
    if (response.statusCode === 200) return response;
    const { secrets } = login;
    const timeouts = this.timeoutsOf(endpoint);
    throw await refused(endpoint, expected, response, { secrets, timeouts });
  }

  /** Sends a request, and again after each refusal with the next way to prove who asks. */
  async #authorized(request: Request): Promise<Answered> {
    let used = await this.#authorizations.current(request.endpoint, request.access);
    let reply = await this.#send(request, used);
    for (let refusals = 0; refusals < MAX_REFUSALS; refusals++) {
      const renewed = await this.#nextWay(request, reply, used);
      if (renewed === undefined) break;
      discard(reply.response);
      used = renewed;
      reply = await this.#send(request, used);
    }
    return { reply, used };
  }

  /** The next authorization to try after a reply; undefined if the reply counts. */
  async #nextWay(
    request: Request,
    reply: Reply,
    used: Authorization | undefined,
  ): Promise<Authorization | undefined> {
    const { endpoint, access } = request;
    if (reply.response.statusCode === 401 && !reply.isElsewhere) {
      const renewed = await this.#authorizations.renew(endpoint, access, demandOf(reply), used);
      if (renewed !== undefined) return renewed;
    } else if (used !== undefined) this.#authorizations.accepted(used);
    if (used !== undefined || !mayHide(request, reply)) return undefined;
    const demand = await this.#demandOfRegistry(request);
    return demand && this.#authorizations.renew(endpoint, access, demand, undefined);
  }

  /**
   * What the registry as a whole demands. Some hide an image from strangers by 404, 403, or 401 without a
   * challenge, and challenge only at `/v2/`, which other clients ask first.
   *
   * @returns undefined if it demands nothing, or does not answer.
   */
  async #demandOfRegistry(asker: Asker): Promise<Demand | undefined> {
    const key = demandKey(asker.endpoint);
    const known = this.#demands.get(key) ?? (await this.#askForDemand(asker));
    if (known !== undefined) this.#demands.set(key, known);
    return known === 'none' ? undefined : known;
  }

  /** @returns undefined for a failure that may be over soon. A silent host would cost each image the wait again. */
  async #askForDemand({ endpoint, access, signal }: Asker): Promise<Demand | 'none' | undefined> {
    const expected = 'a reply for /v2/';
    // No image is fetched for this reply, so it may take only as long as that of a mirror.
    const request = { endpoint, access, path: '/v2/', accept: '*/*', expected, mayLeave: true };
    try {
      const reply = await this.#send({ ...request, signal }, undefined);
      discard(reply.response);
      const isDemand = reply.response.statusCode === 401 && !reply.isElsewhere;
      return isDemand ? demandOf(reply) : 'none';
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof RegistryError)) throw error;
      return isPassing(error) ? undefined : 'none';
    }
  }

  async #send(request: Request, authorization: Authorization | undefined): Promise<Reply> {
    const reply = await this.#reported(request, () => this.#sendByScheme(request, authorization));
    const isStored = reply.response.headers['x-registry-supports-signatures'] === '1';
    if (isStored && !reply.isElsewhere) this.#storesSignatures.add(request.endpoint.host);
    return reply;
  }

  /** Turns every failure to send into an error about the endpoint. */
  async #reported(
    { endpoint, expected, mayLeave, signal }: Reported,
    send: () => Promise<Reply>,
  ): Promise<Reply> {
    try {
      return await send();
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof RegistryError) throw error;
      if (error instanceof NotConnected) throw unreachable(endpoint, error.cause);
      if (mayLeave === true && error instanceof Stalled) throw tooSlow(endpoint, expected, error);
      throw connectionLost(endpoint, expected, error);
    }
  }

  /** Sends with TLS. If TLS fails and the endpoint is insecure, sends with plain HTTP, as engines do. */
  async #sendByScheme(request: Request, authorization: Authorization | undefined): Promise<Reply> {
    const { endpoint } = request;
    const insecure = authorization?.insecure ?? endpoint.insecure;
    if (!insecure) return this.#sendTo('https', request, authorization);
    const known = this.#schemes.get(endpoint.host);
    if (known !== undefined) return this.#sendTo(known, request, authorization);
    try {
      const reply = await this.#sendTo('https', request, authorization);
      this.#schemes.set(endpoint.host, 'https');
      return reply;
    } catch (error) {
      if (!(error instanceof NotConnected)) throw error;
    }
    const reply = await this.#sendTo('http', request, authorization);
    this.#schemes.set(endpoint.host, 'http');
    return reply;
  }

  async #sendTo(
    scheme: 'https' | 'http',
    { endpoint, path, accept, from, mayLeave = false, isHead = false, signal }: Request,
    authorization: Authorization | undefined,
  ): Promise<Reply> {
    return sendAndFollow(this.#transport, endpoint, {
      url: new URL(`${scheme}://${endpoint.host}${pathOf(endpoint, path)}`),
      headers: {
        accept,
        'user-agent': 'berth',
        ...(from === undefined ? {} : { range: `bytes=${from}-` }),
        ...(authorization === undefined ? {} : { authorization: authorization.header }),
      },
      registry: endpoint.registry,
      insecure: authorization?.insecure ?? endpoint.insecure,
      isHead,
      signal,
      patience: mayLeave ? this.timeoutsOf(endpoint).mirrorReply : undefined,
    });
  }
}

function demandKey({ insecure, host }: Endpoint): string {
  return `${insecure} ${host}`;
}

function pathOf({ repository }: Endpoint, path: string): string {
  return path.startsWith('/') ? path : `/v2/${repository}/${path}`;
}

/** The user and password in a URL, as a header. */
function loginOf({ username, password }: URL): {
  readonly headers: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
} {
  if (username === '') return { headers: {}, secrets: [] };
  const encoded = encodedLogin(decodedOf(username), decodedOf(password));
  // Some servers take a token as the user.
  const secret = password === '' ? username : password;
  return {
    headers: { authorization: `Basic ${encoded}` },
    secrets: [secret, decodedOf(secret), encoded],
  };
}

function decodedOf(text: string): string {
  return percentDecoded(text) ?? text;
}

function demandOf({ url, response }: Reply): Demand {
  return { url, challenges: response.headers['www-authenticate'] ?? '' };
}

/** Whether a reply to a request that proved nothing may hide what the registry would show to others. */
function mayHide({ accept }: Request, { response }: Reply): boolean {
  const { statusCode = 0, headers } = response;
  // A page for people, such as one to log in, stands in for a manifest.
  if (statusCode === 200)
    return accept !== '*/*' && /^text\/html/i.test(headers['content-type'] ?? '');
  return statusCode >= 400 && statusCode < 500 && statusCode !== 408;
}
