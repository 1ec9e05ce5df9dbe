import http, { type IncomingMessage, type RequestOptions } from 'node:http';
import https from 'node:https';
import { systemErrorCode } from '../../common/errors.ts';
import { type Agent, PlainAgent, plainConnection, TlsAgent } from './agents.ts';
import { Attempt } from './attempt.ts';
import { TIMEOUTS, type Timeouts } from './body.ts';
import type { HostCertificates } from './certificates.ts';
import { isChunked, MAX_HEAD, MAX_HEADERS } from './head.ts';
import { authorizationOf, isSocks, type Proxy, type ProxyFor } from './proxy.ts';
import { type OnSilence, Silences } from './silence.ts';
import type { AuthorityPaths } from './tls.ts';
import { Trust } from './trust.ts';
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
  /** Called while a registry keeps berth waiting. */
  readonly onSilence?: OnSilence;
}

/** Sends requests over connections that are kept for later requests. */
export class Transport {
  readonly #timeouts: Timeouts;
  readonly #patienceOf: (registry: string) => number | undefined;
  readonly #proxyFor: ProxyFor;
  readonly #trust: Trust;
  readonly #silences: Silences;
  readonly #agents = new Map<string, Agent>();
  /** The servers whose replies Node's parser refuses, by origin. */
  readonly #odd = new Set<string>();
  readonly #quickest = new Map<string, number>();

  constructor({
    certificates = () => ({ authorities: [], identities: [] }),
    proxyFor = () => undefined,
    timeouts = TIMEOUTS,
    patienceOf = () => undefined,
    authorityPaths = {},
    onSilence = () => undefined,
  }: TransportOptions = {}) {
    this.#timeouts = timeouts;
    this.#patienceOf = patienceOf;
    this.#proxyFor = proxyFor;
    this.#trust = new Trust(certificates, authorityPaths);
    this.#silences = new Silences(onSilence, timeouts.told);
  }

  /**
   * The reply, as soon as its headers have arrived. A request is sent again while its failure tells how to
   * do better.
   *
   * @throws {NotConnected} with the cause; other errors come from a connection that broke.
   * @throws {RegistryError} `registry-config`
   */
  async send(ask: Ask): Promise<IncomingMessage> {
    const { registry, url } = ask;
    const tried = new Set<number>();
    let refused: unknown;
    for (;;) {
      const shown = this.#trust.shownTo(registry);
      tried.add(shown.identity);
      const wasOdd = this.#odd.has(url.origin);
      const attempt = this.#attempt(ask);
      try {
        const reply = await attempt.reply;
        if (wasOdd || !isMisread(reply)) return this.#timed(registry, attempt.took, reply);
        reply.on('error', () => undefined).destroy();
        this.#odd.add(url.origin);
      } catch (error) {
        ask.signal?.throwIfAborted();
        if (attempt.isStale) continue;
        if (!wasOdd && isRefusedByParser(error)) {
          this.#odd.add(url.origin);
          refused = error;
        } else if (!this.#trust.learnsFrom(error, registry, shown, tried)) {
          if (attempt.isConnected) throw refused ?? error;
          throw new NotConnected('not connected', { cause: this.#asOfProxy(url, error) });
        }
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

  #attempt(ask: Ask): Attempt {
    const timeouts = this.timeoutsOf(ask.registry);
    const { patience = timeouts.reply } = ask;
    const request = this.#start(ask);
    this.#silences.watch(ask.registry, request);
    return new Attempt(request, { ...timeouts, reply: patience });
  }

  #timed(registry: string, took: number, reply: IncomingMessage): IncomingMessage {
    const quickest = this.#quickest.get(registry) ?? Number.POSITIVE_INFINITY;
    this.#quickest.set(registry, Math.min(quickest, took));
    return reply;
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
    return this.#kept(`${this.#trust.keyOf(registry, insecure)} ${by}`, () => {
      return new TlsAgent({ ...way, tls: this.#trust.optionsFor(registry, insecure) });
    });
  }

  #kept(key: string, make: () => Agent): Agent {
    const agent = this.#agents.get(key) ?? make();
    this.#agents.set(key, agent);
    return agent;
  }

  /** Names the proxy in an error of plain HTTP; a tunnel's error names it already. */
  #asOfProxy(url: URL, error: unknown): unknown {
    const proxy = url.protocol === 'http:' ? this.#proxyFor(url) : undefined;
    if (proxy === undefined || error instanceof ProxyError || !(error instanceof Error))
      return error;
    return new ProxyError(proxy, error.message, error);
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
