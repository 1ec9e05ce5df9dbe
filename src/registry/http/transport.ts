import http, { type IncomingMessage, type RequestOptions } from 'node:http';
import https from 'node:https';
import { systemErrorCode } from '../../common/errors.ts';
import { Stalled, TIMEOUTS, type Timeouts } from './body.ts';
import type { HostCertificates } from './certificates.ts';
import { authorizationOf, isSocks, type Proxy, type ProxyFor } from './proxy.ts';
import { type AuthorityPaths, type Extent, tlsOptionsOf } from './tls.ts';
import { addressOf, ProxyError, SocksAgent, TunnelAgent, withHeaders } from './tunnel.ts';

/** One request to one origin; redirects and credentials are handled elsewhere. */
export interface Ask {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** The registry whose certs.d applies, also after a redirect to another origin. */
  readonly registry: string;
  /** Whether any certificate is accepted. */
  readonly insecure: boolean;
  readonly signal?: AbortSignal | undefined;
  /** If set, the request is a POST of this form. */
  readonly form?: URLSearchParams;
}

/** The connection or TLS failed: nothing was sent. */
export class NotConnected extends Error {}

export interface TransportOptions {
  /** The certs.d of a registry. */
  readonly certificates?: (registry: string) => HostCertificates;
  readonly proxyFor?: ProxyFor;
  readonly timeouts?: Timeouts;
  readonly authorityPaths?: AuthorityPaths;
}

/** Sends requests over connections that are kept for later requests. */
export class Transport {
  readonly timeouts: Timeouts;
  readonly #certificatesOf: (registry: string) => HostCertificates;
  readonly #proxyFor: ProxyFor;
  readonly #authorityPaths: AuthorityPaths;
  readonly #plain = new http.Agent({ keepAlive: true });
  readonly #socks = new Map<string, http.Agent>();
  readonly #agents = new Map<string, https.Agent>();
  readonly #certificates = new Map<string, HostCertificates>();
  readonly #quickest = new Map<string, number>();
  #extent: Extent = 'bundle';
  /** For each registry the index of the identity that was not refused. */
  readonly #accepted = new Map<string, number>();

  constructor({
    certificates,
    proxyFor,
    timeouts = TIMEOUTS,
    authorityPaths = {},
  }: TransportOptions = {}) {
    this.#authorityPaths = authorityPaths;
    this.timeouts = timeouts;
    this.#certificatesOf = certificates ?? (() => ({ authorities: [], identities: [] }));
    this.#proxyFor = proxyFor ?? (() => undefined);
  }

  /**
   * The reply, as soon as its headers have arrived.
   *
   * @throws {NotConnected} with the cause; other errors come from a connection that broke.
   * @throws {RegistryError} `registry-config`
   */
  async send(ask: Ask): Promise<IncomingMessage> {
    for (let refusals = 0; ; ) {
      const extent = this.#extent;
      const identity = this.#identityOf(ask);
      const attempt = new Attempt(this.#start(ask), this.timeouts);
      try {
        const reply = await attempt.reply;
        const quickest = this.#quickest.get(ask.registry) ?? Number.POSITIVE_INFINITY;
        this.#quickest.set(ask.registry, Math.min(quickest, attempt.took));
        return reply;
      } catch (error) {
        ask.signal?.throwIfAborted();
        // The server closed a kept connection meanwhile, without serving the request.
        if (attempt.isStale) continue;
        if (this.#hasMoreAuthorities(error, extent)) continue;
        if (this.#hasNextIdentity(ask, error, identity, refusals)) {
          refusals++;
          continue;
        }
        if (attempt.isConnected) throw error;
        throw new NotConnected('not connected', { cause: this.#asOfProxy(ask.url, error) });
      }
    }
  }

  /** The quickest reply of a registry so far, in milliseconds; undefined if there was none. */
  quickestReply(registry: string): number | undefined {
    return this.#quickest.get(registry);
  }

  /** Closes idle connections. */
  close(): void {
    this.#plain.destroy();
    for (const agent of [...this.#agents.values(), ...this.#socks.values()]) agent.destroy();
  }

  #start(ask: Ask): http.ClientRequest {
    const { url, signal } = ask;
    const body = ask.form?.toString();
    const proxy = this.#proxyFor(url);
    const headers = {
      ...ask.headers,
      'accept-encoding': 'identity',
      ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
    };
    const options: RequestOptions = {
      // Not the URL itself: a redirect's URL may have a user and password, which Node would send.
      ...addressOf(url),
      path: url.pathname + url.search,
      method: body === undefined ? 'GET' : 'POST',
      ...(signal === undefined ? {} : { signal }),
    };
    if (url.protocol === 'https:') {
      const request = https.request({ ...options, agent: this.#agentFor(ask, proxy) });
      return withHeaders(request, headers).end(body);
    }
    if (proxy === undefined || isSocks(proxy)) {
      const agent = proxy === undefined ? this.#plain : this.#socksAgentFor(proxy);
      return withHeaders(http.request({ ...options, agent }), headers).end(body);
    }
    // Without TLS the proxy itself gets the request: RFC 9112, section 3.2.2.
    const toProxy: RequestOptions = {
      ...options,
      ...addressOf(proxy.url),
      path: `http://${url.host}${options.path}`,
    };
    const request =
      proxy.url.protocol === 'https:'
        ? https.request({ ...toProxy, agent: this.#agentFor(ask, undefined) })
        : http.request({ ...toProxy, agent: this.#plain });
    const more = { host: url.host, ...authorizationOf(proxy) };
    return withHeaders(request, { ...headers, ...more }).end(body);
  }

  #agentFor({ registry, insecure }: Ask, proxy: Proxy | undefined): https.Agent {
    const certificates = this.#certificatesFor(registry);
    const { authorities, identities } = certificates;
    const index = this.#identityOf({ registry });
    const isOwn = authorities.length + identities.length > 0;
    const key = `${insecure} ${this.#extent} ${proxy?.url.href ?? ''} ${isOwn ? `${registry} ${index}` : ''}`;
    const known = this.#agents.get(key);
    if (known !== undefined) return known;
    const tls = tlsOptionsOf(insecure, certificates, index, this.#extent, this.#authorityPaths);
    const agent =
      proxy === undefined
        ? new https.Agent({ keepAlive: true, ...tls })
        : new TunnelAgent({ proxy, tls, timeouts: this.timeouts });
    this.#agents.set(key, agent);
    return agent;
  }

  #socksAgentFor(proxy: Proxy): http.Agent {
    const known = this.#socks.get(proxy.url.href);
    if (known !== undefined) return known;
    const agent = new SocksAgent({ proxy, tls: {}, timeouts: this.timeouts });
    this.#socks.set(proxy.url.href, agent);
    return agent;
  }

  #certificatesFor(registry: string): HostCertificates {
    const known = this.#certificates.get(registry) ?? this.#certificatesOf(registry);
    this.#certificates.set(registry, known);
    return known;
  }

  /** Names the proxy in an error of plain HTTP; a tunnel's error names it already. */
  #asOfProxy(url: URL, error: unknown): unknown {
    const proxy = url.protocol === 'http:' ? this.#proxyFor(url) : undefined;
    if (proxy === undefined || error instanceof ProxyError || !(error instanceof Error))
      return error;
    return new ProxyError(proxy, error.message, error);
  }

  #identityOf({ registry }: Pick<Ask, 'registry'>): number {
    return this.#accepted.get(registry) ?? 0;
  }

  /** Extends the CAs to the system's directories, unless that was done already. */
  #hasMoreAuthorities(error: unknown, asked: Extent): boolean {
    const isUnknown = /ISSUER|SELF_SIGNED|VERIFY_LEAF/.test(systemErrorCode(error) ?? '');
    if (!isUnknown || asked === 'directories') return false;
    this.#extent = 'directories';
    return true;
  }

  /**
   * Moves on to the next identity when one was refused. Other clients choose by the CAs that a server
   * accepts, which Node does not expose; and a server's alert may be lost when it closes the connection.
   */
  #hasNextIdentity({ registry }: Ask, error: unknown, asked: number, refusals: number): boolean {
    const count = this.#certificates.get(registry)?.identities.length ?? 0;
    const isRefusal = /^ERR_SSL_.*_ALERT_|^ECONNRESET$|^EPIPE$/.test(systemErrorCode(error) ?? '');
    if (!isRefusal || refusals + 1 >= count) return false;
    // Another request may have moved on already.
    if (this.#identityOf({ registry }) === asked) this.#accepted.set(registry, (asked + 1) % count);
    return true;
  }
}

class Attempt {
  readonly reply: Promise<IncomingMessage>;
  isConnected = false;
  /** In milliseconds from the connection to the reply. */
  took = 0;
  readonly #request: http.ClientRequest;
  #isRefusedLate = false;

  constructor(request: http.ClientRequest, { connect, idle }: Timeouts) {
    this.#request = request;
    let timer = setTimeout(() => request.destroy(new Stalled(connect)), connect);
    let begun = 0;
    const connected = () => {
      this.isConnected = true;
      begun = performance.now();
      clearTimeout(timer);
      timer = setTimeout(() => request.destroy(new Stalled(idle)), idle);
    };
    request.once('socket', (socket) => {
      // Node stops listening to the socket when a request is destroyed just as its reply ends.
      if (!request.reusedSocket) socket.on('error', () => undefined);
      // A socket through a proxy is already connected.
      if (request.reusedSocket || !('encrypted' in socket || socket.connecting)) connected();
      else socket.once('encrypted' in socket ? 'secureConnect' : 'connect', connected);
    });
    this.reply = new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', (reply) => {
        this.took = performance.now() - begun;
        resolve(reply);
      });
      // Also listens after the reply has begun; the reader of the body gets the error then.
      request.on('error', (error: NodeJS.ErrnoException) => {
        this.#isRefusedLate = error.code === 'ECONNRESET' || error.code === 'EPIPE';
        reject(error);
      });
    }).finally(() => clearTimeout(timer));
  }

  get isStale(): boolean {
    return this.#request.reusedSocket && this.#isRefusedLate;
  }
}
