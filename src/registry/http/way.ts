import type { RequestOptions } from 'node:http';
import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { systemErrorCode } from '../../common/errors.ts';
import { Stalled, type Timeouts } from './body.ts';
import { askConnect } from './connect.ts';
import { dial, type Target } from './dial.ts';
import { isSocks, type Proxy } from './proxy.ts';
import { secured } from './secured.ts';
import { askSocks } from './socks.ts';

/** A failure of a proxy, or of the connection to it. */
export class ProxyError extends Error {
  readonly code: string | undefined;
  /** The proxy, with its port. */
  readonly host: string;

  constructor({ url }: Proxy, reason: string, cause?: unknown) {
    super(`at the proxy ${url.host}: ${reason}`, { cause });
    this.host = url.host;
    this.code = systemErrorCode(cause);
  }
}

export interface WayOptions {
  /** Undefined for direct connections. */
  readonly proxy: Proxy | undefined;
  /** TLS options for an HTTPS proxy. */
  readonly tls: ConnectionOptions;
  readonly timeouts: Pick<Timeouts, 'connect'>;
}

/** Opens connections to servers, directly or through a proxy. */
export class Way {
  readonly #options: WayOptions;
  readonly #closed = new AbortController();

  constructor(options: WayOptions) {
    this.#options = options;
  }

  /** @throws {ProxyError} if there is a proxy; else as `dial`. */
  async open(target: Target): Promise<Socket> {
    const { proxy, timeouts } = this.#options;
    const { signal } = this.#closed;
    if (proxy === undefined) return dial(target, { within: timeouts.connect, signal });
    try {
      return await this.#through(proxy, target);
    } catch (error) {
      if (error instanceof ProxyError || !(error instanceof Error)) throw error;
      throw new ProxyError(proxy, error.message, error);
    }
  }

  /** Ends the attempts that are under way. */
  close(): void {
    this.#closed.abort();
  }

  async #through(proxy: Proxy, target: Target): Promise<Socket> {
    const { tls, timeouts } = this.#options;
    const { signal } = this.#closed;
    const at = targetOf(proxy.url);
    const socket = await dial(at, { within: timeouts.connect, signal });
    const stop = (error: unknown) => socket.destroy(error instanceof Error ? error : undefined);
    const abort = () => stop(signal.reason);
    const timer = setTimeout(() => stop(new Stalled(timeouts.connect)), timeouts.connect);
    signal.addEventListener('abort', abort);
    try {
      if (isSocks(proxy)) {
        await askSocks(socket, proxy, target.host, target.port);
        return socket;
      }
      const isTls = proxy.url.protocol === 'https:';
      const way = isTls ? await secured(socket, at.host, tls, timeouts.connect) : socket;
      const answer = await askConnect(way, proxy, target);
      if (answer.code !== 200) throw new ProxyError(proxy, `${answer.code} for ${answer.target}`);
      return way;
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    }
  }
}

const PORTS: Readonly<Record<string, number>> = {
  'https:': 443,
  'socks5:': 1080,
  'socks5h:': 1080,
};

/** The address at which a server or proxy listens. */
export function targetOf({ protocol, hostname, port }: URL): Target {
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port || (PORTS[protocol] ?? 80)),
  };
}

/** The same address, as a request has it. */
export function addressOf(url: URL): RequestOptions {
  const { host, port } = targetOf(url);
  return { hostname: host, port };
}
