import http, { type ClientRequest, type RequestOptions } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import { systemErrorCode } from '../errors.ts';
import { type Patience, Stalled } from './body.ts';
import type { Proxy } from './proxy.ts';

/** What went wrong at a proxy, or on the way to it. */
export class ProxyError extends Error {
  readonly code: string | undefined;

  constructor({ url }: Proxy, reason: string, cause?: unknown) {
    super(`by the proxy ${url.host}: ${reason}`, { cause });
    this.code = systemErrorCode(cause);
  }
}

/** An agent whose connections with TLS lead through a proxy: RFC 9110, 9.3.6. */
export class TunnelAgent extends https.Agent {
  readonly #proxy: Proxy;
  readonly #trust: ConnectionOptions;
  readonly #patience: Patience;
  readonly #opening = new Set<ClientRequest>();

  constructor(proxy: Proxy, trust: ConnectionOptions, patience: Patience) {
    super({ keepAlive: true, ...trust });
    this.#proxy = proxy;
    this.#trust = trust;
    this.#patience = patience;
  }

  override createConnection(
    options: RequestOptions,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    const done = (error: Error | null, socket?: Socket) => {
      // Node's types want a stream beside an error.
      if (socket === undefined) Reflect.apply(callback ?? (() => undefined), undefined, [error]);
      else callback?.(null, this.#withTls(options, socket));
    };
    this.#open(options, done);
  }

  override destroy(): void {
    for (const request of this.#opening) request.destroy();
    super.destroy();
  }

  #withTls(options: RequestOptions, socket: Socket): Duplex {
    const overSocket = { ...options, socket };
    const connection = super.createConnection(overSocket);
    if (connection === null || connection === undefined) throw new TypeError('expected a socket');
    return connection;
  }

  #open({ host, port }: RequestOptions, done: (error: Error | null, socket?: Socket) => void) {
    const { url, authorization } = this.#proxy;
    const target = `${host?.includes(':') ? `[${host}]` : host}:${port}`;
    const request = (url.protocol === 'https:' ? https : http).request({
      ...(url.protocol === 'https:' ? this.#trust : {}),
      ...addressOf(url),
      method: 'CONNECT',
      path: target,
      agent: false,
      headers: { host: target, ...authorized(authorization?.reveal()) },
    });
    const { connect } = this.#patience;
    const timer = setTimeout(() => request.destroy(new Stalled(connect)), connect);
    this.#opening.add(request);
    request.once('close', () => {
      clearTimeout(timer);
      this.#opening.delete(request);
    });
    request.once('connect', ({ statusCode }, socket, head) => {
      if (statusCode === 200) {
        if (head.length > 0) socket.unshift(head);
        done(null, socket);
        return;
      }
      socket.destroy();
      done(new ProxyError(this.#proxy, `${statusCode} for ${target}`));
    });
    request.once('error', (error) => done(new ProxyError(this.#proxy, error.message, error)));
    request.end();
  }
}

/** Where a proxy listens. */
export function addressOf({ protocol, hostname, port }: URL): RequestOptions {
  return {
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port: port || (protocol === 'https:' ? 443 : 80),
  };
}

export function authorized(value: string | undefined): Readonly<Record<string, string>> {
  return value === undefined ? {} : { 'proxy-authorization': value };
}
