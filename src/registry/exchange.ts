import type { IncomingMessage } from 'node:http';
import type { Access } from './access.ts';
import type { Authorization, Authorizations } from './auth/authorization.ts';
import type { Endpoint } from './endpoint.ts';
import { RegistryError } from './errors.ts';
import { connectionLost, refused, unreachable } from './failure.ts';
import type { Timeouts } from './http/body.ts';
import { NotConnected, type Transport } from './http/transport.ts';
import { discard, type Reply, sendAndFollow } from './redirect.ts';

/** One request to a registry. */
export interface Request {
  readonly endpoint: Endpoint;
  readonly access: Access;
  /** The path below `/v2/REPOSITORY/`. */
  readonly path: string;
  readonly accept: string;
  /** The first byte wanted; the status is 206 if the registry can send parts. */
  readonly from?: number;
  /** The expectation that an error's message names. */
  readonly expected: string;
  readonly signal?: AbortSignal | undefined;
}

/** Asks registries: over HTTPS or HTTP as each allows it, with credentials if one demands them. */
export class Exchange {
  readonly #transport: Transport;
  readonly #authorizations: Authorizations;
  /** For hosts where plain HTTP is allowed: whether TLS worked. */
  readonly #schemes = new Map<string, 'https' | 'http'>();

  constructor(transport: Transport, authorizations: Authorizations) {
    this.#transport = transport;
    this.#authorizations = authorizations;
  }

  get timeouts(): Timeouts {
    return this.#transport.timeouts;
  }

  /** As `Transport.quickestReply`. */
  quickestReply({ host }: Endpoint): number | undefined {
    return this.#transport.quickestReply(host);
  }

  /** Returns the reply with status 200, or 206 for a part, with its body still unread. */
  async get(request: Request): Promise<IncomingMessage> {
    const { endpoint, access, expected } = request;
    let used = await this.#authorizations.current(endpoint, access);
    let reply = await this.#send(request, used);
    if (reply.response.statusCode === 401 && !reply.isElsewhere) {
      const renewed = await this.#authorizations.renew(endpoint, access, reply, used);
      if (renewed !== undefined) {
        discard(reply.response);
        used = renewed;
        reply = await this.#send(request, used);
      }
    }
    const { statusCode } = reply.response;
    if (statusCode === 200 || (statusCode === 206 && request.from !== undefined)) {
      return reply.response;
    }
    const via = reply.isElsewhere ? ` by way of ${reply.url.host}` : '';
    throw await refused(endpoint, `${expected}${via}`, reply.response, {
      secrets: used?.secrets ?? [],
      timeouts: this.timeouts,
    });
  }

  async #send(request: Request, authorization: Authorization | undefined): Promise<Reply> {
    try {
      return await this.#sendByScheme(request, authorization);
    } catch (error) {
      request.signal?.throwIfAborted();
      if (error instanceof RegistryError) throw error;
      if (error instanceof NotConnected) throw unreachable(request.endpoint, error.cause);
      throw connectionLost(request.endpoint, request.expected, error);
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
    { endpoint, path, accept, from, signal }: Request,
    authorization: Authorization | undefined,
  ): Promise<Reply> {
    return sendAndFollow(this.#transport, endpoint, {
      url: new URL(`${scheme}://${endpoint.host}/v2/${endpoint.repository}/${path}`),
      headers: {
        accept,
        'user-agent': 'berth',
        ...(from === undefined ? {} : { range: `bytes=${from}-` }),
        ...(authorization === undefined ? {} : { authorization: authorization.header }),
      },
      registry: endpoint.registry,
      insecure: authorization?.insecure ?? endpoint.insecure,
      signal,
    });
  }
}
