import { once } from 'node:events';
import http, { type RequestOptions } from 'node:http';
import https from 'node:https';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import { systemErrorCode } from '../../common/errors.ts';
import { Stalled, type Timeouts } from './body.ts';
import { authorizationOf, isSocks, type Proxy } from './proxy.ts';
import { askSocks } from './socks.ts';

/** A failure of a proxy, or of the connection to it. */
export class ProxyError extends Error {
  readonly code: string | undefined;

  constructor({ url }: Proxy, reason: string, cause?: unknown) {
    super(`at the proxy ${url.host}: ${reason}`, { cause });
    this.code = systemErrorCode(cause);
  }
}

export interface WayOptions {
  readonly proxy: Proxy;
  /** TLS options for an HTTPS proxy. */
  readonly tls: ConnectionOptions;
  readonly timeouts: Timeouts;
}

/** Sets headers one by one: with NODE_DEBUG=https, Node prints those in a request's options. */
export function withHeaders(
  request: http.ClientRequest,
  headers: Readonly<Record<string, string>>,
): http.ClientRequest {
  for (const [name, value] of Object.entries(headers)) request.setHeader(name, value);
  return request;
}

type Done = (error: Error | null, stream: Duplex) => void;

/** An agent whose connections with TLS lead through a proxy. */
export class TunnelAgent extends https.Agent {
  readonly #way: Way;

  constructor(options: WayOptions) {
    super({ keepAlive: true, ...options.tls });
    this.#way = new Way(options);
  }

  override createConnection(options: RequestOptions, done?: Done): undefined {
    this.#way.open(options).then((socket) => {
      const overSocket = { ...options, socket };
      const connection = super.createConnection(overSocket);
      if (connection) done?.(null, connection);
    }, told(done));
  }

  override destroy(): void {
    this.#way.close();
    super.destroy();
  }
}

/** An agent whose connections without TLS lead through a SOCKS proxy. */
export class SocksAgent extends http.Agent {
  readonly #way: Way;

  constructor(options: WayOptions) {
    super({ keepAlive: true });
    this.#way = new Way(options);
  }

  override createConnection(options: RequestOptions, done?: Done): undefined {
    this.#way.open(options).then((socket) => done?.(null, socket), told(done));
  }

  override destroy(): void {
    this.#way.close();
    super.destroy();
  }
}

/** Calls back with only an error, where Node's types also want a stream. */
function told(done: Done | undefined): (error: unknown) => void {
  return (error) => Reflect.apply(done ?? (() => undefined), undefined, [error]);
}

/** Opens connections through a proxy. */
class Way {
  readonly #options: WayOptions;
  readonly #opening = new Set<{ destroy(error?: Error): unknown }>();

  constructor(options: WayOptions) {
    this.#options = options;
  }

  /** @throws {ProxyError} */
  async open({ host, port }: RequestOptions): Promise<Socket> {
    const { proxy } = this.#options;
    const target = { host: host ?? '', port: Number(port) };
    try {
      return await (isSocks(proxy) ? this.#bySocks(target) : this.#byConnect(target));
    } catch (error) {
      if (error instanceof ProxyError || !(error instanceof Error)) throw error;
      throw new ProxyError(proxy, error.message, error);
    }
  }

  /** Ends the attempts that are under way. */
  close(): void {
    for (const opening of this.#opening) opening.destroy();
  }

  /** Opens a tunnel with CONNECT: RFC 9110, section 9.3.6. */
  async #byConnect({ host, port }: { host: string; port: number }): Promise<Socket> {
    const { proxy, tls } = this.#options;
    const path = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    const isTls = proxy.url.protocol === 'https:';
    const request = (isTls ? https : http).request({
      ...(isTls ? tls : {}),
      ...addressOf(proxy.url),
      method: 'CONNECT',
      path,
      agent: false,
    });
    withHeaders(request, { host: path, ...authorizationOf(proxy) }).end();
    return this.#bounded(
      request,
      () =>
        new Promise((resolve, reject) => {
          request.once('error', reject);
          request.once('connect', ({ statusCode }, socket, head) => {
            if (head.length > 0) socket.unshift(head);
            if (statusCode === 200) resolve(socket);
            else reject(new ProxyError(proxy, `${statusCode} for ${path}`));
            if (statusCode !== 200) socket.destroy();
          });
        }),
    );
  }

  async #bySocks({ host, port }: { host: string; port: number }): Promise<Socket> {
    const { proxy } = this.#options;
    const address = addressOf(proxy.url);
    const socket = connect(Number(address.port), address.hostname ?? '');
    return this.#bounded(socket, async () => {
      try {
        await once(socket, 'connect');
        await askSocks(socket, proxy, host, port);
        return socket;
      } catch (error) {
        socket.destroy();
        throw error;
      }
    });
  }

  async #bounded<T>(
    opening: { destroy(error?: Error): unknown },
    work: () => Promise<T>,
  ): Promise<T> {
    const { connect: milliseconds } = this.#options.timeouts;
    const timer = setTimeout(() => opening.destroy(new Stalled(milliseconds)), milliseconds);
    this.#opening.add(opening);
    try {
      return await work();
    } finally {
      clearTimeout(timer);
      this.#opening.delete(opening);
    }
  }
}

const PORTS: Readonly<Record<string, number>> = {
  'https:': 443,
  'socks5:': 1080,
  'socks5h:': 1080,
};

/** The address at which a server or proxy listens. */
export function addressOf({ protocol, hostname, port }: URL): RequestOptions {
  return {
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port: port || (PORTS[protocol] ?? 80),
  };
}
