import http, { type IncomingMessage, type RequestOptions } from 'node:http';
import https from 'node:https';
import { systemErrorCode } from '../../common/errors.ts';
import { type Agent, PlainAgent, plainConnection, TlsAgent } from './agents.ts';
import { Attempt } from './attempt.ts';
import { TIMEOUTS, type Timeouts } from './body.ts';
import type { HostCertificates } from './certificates.ts';
import { isChunked, MAX_HEAD, MAX_HEADERS } from './head.ts';
import { authorizationOf, isSocks, type Proxy, type ProxyFor } from './proxy.ts';
import { type AuthorityPaths, type Extent, tlsOptionsOf } from './tls.ts';
import { addressOf, ProxyError } from './way.ts';

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
  /** In milliseconds: how long the reply may take to begin, if not as long as the registry's usually may. */
  readonly patience?: number | undefined;
  /** Whether only the headers are wanted. */
  readonly isHead?: boolean;
}

/** The connection or TLS failed: nothing was sent. */
export class NotConnected extends Error {}

export interface TransportOptions {
  /** The certs.d of a registry. */
  readonly certificates?: (registry: string) => HostCertificates;
  readonly proxyFor?: ProxyFor;
  readonly timeouts?: Timeouts;
  /** In milliseconds: how long replies of a registry may take to begin, where that is configured. */
  readonly patienceOf?: (registry: string) => number | undefined;
  readonly authorityPaths?: AuthorityPaths;
}

/** Sends requests over connections that are kept for later requests. */
export class Transport {
  readonly #timeouts: Timeouts;
  readonly #patienceOf: (registry: string) => number | undefined;
  readonly #certificatesOf: (registry: string) => HostCertificates;
  readonly #proxyFor: ProxyFor;
  readonly #authorityPaths: AuthorityPaths;
  readonly #agents = new Map<string, Agent>();
  /** The servers whose replies Node's parser refuses, by origin. */
  readonly #odd = new Set<string>();
  readonly #certificates = new Map<string, HostCertificates>();
  readonly #quickest = new Map<string, number>();
  #extent: Extent = 'bundle';
  /** For each registry the index of the identity that was not refused. */
  readonly #accepted = new Map<string, number>();

  constructor({
    certificates,
    proxyFor,
    timeouts = TIMEOUTS,
    patienceOf = () => undefined,
    authorityPaths = {},
  }: TransportOptions = {}) {
    this.#authorityPaths = authorityPaths;
    this.#timeouts = timeouts;
    this.#patienceOf = patienceOf;
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
    const timeouts = this.timeoutsOf(ask.registry);
    const { patience = timeouts.reply } = ask;
    let refusal: unknown;
    for (let refusals = 0; ; ) {
      const extent = this.#extent;
      const identity = this.#identityOf(ask);
      const wasOdd = this.#odd.has(ask.url.origin);
      const attempt = new Attempt(this.#start(ask), { ...timeouts, reply: patience });
      try {
        const reply = await attempt.reply;
        if (!wasOdd && isMisread(reply)) {
          reply.on('error', () => undefined).destroy();
          this.#odd.add(ask.url.origin);
          continue;
        }
        const quickest = this.#quickest.get(ask.registry) ?? Number.POSITIVE_INFINITY;
        this.#quickest.set(ask.registry, Math.min(quickest, attempt.took));
        return reply;
      } catch (error) {
        ask.signal?.throwIfAborted();
        if (attempt.isStale) continue;
        if (!wasOdd && isRefusedByParser(error)) {
          this.#odd.add(ask.url.origin);
          refusal = error;
          continue;
        }
        if (this.#hasMoreAuthorities(error, extent)) continue;
        if (this.#hasNextIdentity(ask, error, identity, refusals)) {
          refusals++;
          continue;
        }
        if (attempt.isConnected) throw refusal ?? error;
        throw new NotConnected('not connected', { cause: this.#asOfProxy(ask.url, error) });
      }
    }
  }

  /** The quickest reply of a registry so far, in milliseconds; undefined if there was none. */
  quickestReply(registry: string): number | undefined {
    return this.#quickest.get(registry);
  }

  /** How long a registry is waited for. */
  timeoutsOf(registry: string): Timeouts {
    const reply = this.#patienceOf(registry);
    return reply === undefined ? this.#timeouts : { ...this.#timeouts, reply, mirrorReply: reply };
  }

  /** Closes idle connections. */
  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
  }

  #start(ask: Ask): http.ClientRequest {
    const { url, signal } = ask;
    const proxy = this.#proxyFor(url);
    const relay = proxyInPlaceOf(url, proxy);
    const server = relay?.url ?? url;
    const isTls = server.protocol === 'https:';
    const agent = this.#agentFor(ask, isTls, relay === undefined ? proxy : undefined);
    const path = url.pathname + url.search;
    const options: RequestOptions = {
      // Not the URL itself: a redirect's URL may have a user and password, which Node would send.
      ...addressOf(server),
      path: relay === undefined ? path : `http://${url.host}${path}`,
      method: methodOf(ask),
      ...(signal === undefined ? {} : { signal }),
      // Engines take such replies, and all that berth reads is hashed or validated.
      insecureHTTPParser: true,
      maxHeaderSize: MAX_HEAD,
    };
    const request = this.#odd.has(url.origin)
      ? http.request({
          ...options,
          defaultPort: isTls ? 443 : 80,
          createConnection: plainConnection(agent),
        })
      : (isTls ? https : http).request({ ...options, agent });
    // One by one: with NODE_DEBUG=https, Node prints the headers in a request's options.
    for (const [name, value] of headersOf(ask, relay)) request.setHeader(name, value);
    // Node drops headers beyond this number, by default beyond 2000.
    request.maxHeadersCount = MAX_HEADERS;
    return request.end(ask.form?.toString());
  }

  #agentFor({ registry, insecure }: Ask, isTls: boolean, proxy: Proxy | undefined): Agent {
    const way = { proxy, timeouts: this.#timeouts };
    const by = proxy?.url.href ?? '';
    if (!isTls) return this.#kept(`plain ${by}`, () => new PlainAgent({ ...way, tls: {} }));
    const certificates = this.#certificatesFor(registry);
    const { authorities, identities } = certificates;
    const index = this.#identityOf({ registry });
    const extent = this.#extent;
    const isOwn = authorities.length + identities.length > 0;
    const key = `${insecure} ${extent} ${by} ${isOwn ? `${registry} ${index}` : ''}`;
    return this.#kept(key, () => {
      const tls = tlsOptionsOf(insecure, certificates, index, extent, this.#authorityPaths);
      return new TlsAgent({ ...way, tls });
    });
  }

  #kept(key: string, make: () => Agent): Agent {
    const agent = this.#agents.get(key) ?? make();
    this.#agents.set(key, agent);
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

/**
 * Whether Node's parser refused a reply. The server is asked again then, over connections of their own, on
 * which replies are made plainer first. That would not help a reply that ended too early
 * (`INVALID_EOF_STATE`), or whose headers are too long (`HEADER_OVERFLOW`).
 */
function isRefusedByParser(error: unknown): boolean {
  return /^HPE_(?!INVALID_EOF_STATE|HEADER_OVERFLOW)/.test(systemErrorCode(error) ?? '');
}

/**
 * Whether Node's parser takes a reply's encoding for another: it reads chunks in HTTP/1.0, where the header has no
 * meaning, and up to the end of the connection where the encoding is none.
 */
function isMisread({ httpVersionMajor, httpVersionMinor, headers }: IncomingMessage): boolean {
  const { 'transfer-encoding': encoding } = headers;
  if (encoding === undefined) return false;
  const isOld = httpVersionMajor < 1 || (httpVersionMajor === 1 && httpVersionMinor === 0);
  return isOld || !isChunked(encoding);
}

/** The HTTP proxy that gets a request without TLS itself: RFC 9112, section 3.2.2. */
function proxyInPlaceOf({ protocol }: URL, proxy: Proxy | undefined): Proxy | undefined {
  return protocol === 'http:' && proxy !== undefined && !isSocks(proxy) ? proxy : undefined;
}

/** @param relay the proxy that gets the request itself. */
function headersOf({ url, headers, form }: Ask, relay: Proxy | undefined) {
  return Object.entries({
    ...headers,
    'accept-encoding': 'identity',
    ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
    ...(relay === undefined ? {} : { host: url.host, ...authorizationOf(relay) }),
  });
}

function methodOf({ form, isHead }: Ask): string {
  if (form !== undefined) return 'POST';
  return isHead === true ? 'HEAD' : 'GET';
}
