import http, { type IncomingMessage, type RequestOptions } from 'node:http';
import https from 'node:https';
import { systemErrorCode } from '../../common/errors.ts';
import { Stalled, TIMEOUTS, type Timeouts } from './body.ts';
import type { HostCertificates } from './certificates.ts';
import { authorizationOf, isSocks, type Proxy, type ProxyFor } from './proxy.ts';
import { type Extent, tlsOptionsOf } from './tls.ts';
import { addressOf, ProxyError, SocksAgent, TunnelAgent, withHeaders } from './tunnel.ts';

/** One request, to one origin; redirects and credentials are others' work. */
export interface Ask {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** For which registry: its certs.d counts, also where it leads to another origin. */
  readonly registry: string;
  /** Whether the certificate may be anybody's. */
  readonly insecure: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Makes it a POST. */
  readonly form?: URLSearchParams;
}

/** A connection could not be made, or TLS not be agreed on: nothing was sent. */
export class NotConnected extends Error {}

export interface TransportOptions {
  /** What certs.d has for a registry. */
  readonly certificates?: (registry: string) => HostCertificates;
  readonly proxyFor?: ProxyFor;
  readonly timeouts?: Timeouts;
}

/** Sends requests over connections that are kept for the next. */
export class Transport {
  readonly timeouts: Timeouts;
  readonly #certificatesOf: (registry: string) => HostCertificates;
  readonly #proxyFor: ProxyFor;
  readonly #plain = new http.Agent({ keepAlive: true });
  readonly #socks = new Map<string, http.Agent>();
  readonly #agents = new Map<string, https.Agent>();
  readonly #certificates = new Map<string, HostCertificates>();
  readonly #quickest = new Map<string, number>();
  #extent: Extent = 'bundle';
  /** Of a registry's identities, the one that was not refused. */
  readonly #accepted = new Map<string, number>();

  constructor({ certificates, proxyFor, timeouts = TIMEOUTS }: TransportOptions = {}) {
    this.timeouts = timeouts;
    this.#certificatesOf = certificates ?? (() => ({ authorities: [], identities: [] }));
    this.#proxyFor = proxyFor ?? (() => undefined);
  }

  /**
   * The reply, as soon as its headers are here.
   *
   * @throws {NotConnected} with the cause; other errors are those of the broken connection.
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
        // A kept connection that the other side closed meanwhile: the request was not served.
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

  /** In milliseconds, the quickest reply of a registry so far; undefined if there was none. */
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
      // Not the URL itself: user and password in a URL (of a redirect) would be sent along.
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
    // What has no TLS is asked of the proxy itself: RFC 9112, 3.2.2.
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
    const tls = tlsOptionsOf(insecure, certificates, index, this.#extent);
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

  /** A tunnel tells by itself that it is one. */
  #asOfProxy(url: URL, error: unknown): unknown {
    const proxy = url.protocol === 'http:' ? this.#proxyFor(url) : undefined;
    if (proxy === undefined || error instanceof ProxyError || !(error instanceof Error))
      return error;
    return new ProxyError(proxy, error.message, error);
  }

  #identityOf({ registry }: Pick<Ask, 'registry'>): number {
    return this.#accepted.get(registry) ?? 0;
  }

  /** Looks further for who has signed a certificate, unless that was done already. */
  #hasMoreAuthorities(error: unknown, asked: Extent): boolean {
    const isUnknown = /ISSUER|SELF_SIGNED|VERIFY_LEAF/.test(systemErrorCode(error) ?? '');
    if (!isUnknown || asked === 'directories') return false;
    this.#extent = 'directories';
    return true;
  }

  /**
   * Goes on to the next identity when one was refused. Node does not tell which CAs a server
   * accepts, by which others choose; and the server's word may be lost when it hangs up.
   */
  #hasNextIdentity({ registry }: Ask, error: unknown, asked: number, refusals: number): boolean {
    const count = this.#certificates.get(registry)?.identities.length ?? 0;
    const isRefusal = /^ERR_SSL_.*_ALERT_|^ECONNRESET$|^EPIPE$/.test(systemErrorCode(error) ?? '');
    if (!isRefusal || refusals + 1 >= count) return false;
    // Another request may have gone on already.
    if (this.#identityOf({ registry }) === asked) this.#accepted.set(registry, (asked + 1) % count);
    return true;
  }
}

class Attempt {
  readonly reply: Promise<IncomingMessage>;
  isConnected = false;
  /** In milliseconds, from the connection to the reply. */
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
      // When a request is ended just as its reply is whole, Node listens to the socket no more.
      if (!request.reusedSocket) socket.on('error', () => undefined);
      // Also one that a proxy has connected already.
      if (request.reusedSocket || !('encrypted' in socket || socket.connecting)) connected();
      else socket.once('encrypted' in socket ? 'secureConnect' : 'connect', connected);
    });
    this.reply = new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', (reply) => {
        this.took = performance.now() - begun;
        resolve(reply);
      });
      // Also for what comes when the reply is here already: its reader is told of that.
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
