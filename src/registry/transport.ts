import http, { type IncomingMessage, type RequestOptions } from 'node:http';
import https from 'node:https';
import { PATIENCE, type Patience, Stalled } from './body.ts';
import { systemTrust } from './trust.ts';

/** One request, to one origin; redirects and credentials are others' work. */
export interface Ask {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Whether the certificate may be anybody's. */
  readonly insecure: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Makes it a POST. */
  readonly form?: URLSearchParams;
}

/** A connection could not be made, or TLS not be agreed on: nothing was sent. */
export class NotConnected extends Error {}

/** Sends requests over connections that are kept for the next. */
export class Transport {
  readonly patience: Patience;
  readonly #plain = new http.Agent({ keepAlive: true });
  readonly #tls = new Map<boolean, https.Agent>();

  constructor(patience: Patience = PATIENCE) {
    this.patience = patience;
  }

  /**
   * The reply, as soon as its headers are here.
   *
   * @throws {NotConnected} with the cause; other errors are those of the broken connection.
   */
  async send(ask: Ask): Promise<IncomingMessage> {
    for (;;) {
      const attempt = new Attempt(this.#start(ask), this.patience);
      try {
        return await attempt.reply;
      } catch (error) {
        ask.signal?.throwIfAborted();
        // A kept connection that the other side closed meanwhile: the request was not served.
        if (attempt.isStale) continue;
        if (attempt.isConnected) throw error;
        throw new NotConnected('not connected', { cause: error });
      }
    }
  }

  /** Closes idle connections. */
  close(): void {
    this.#plain.destroy();
    for (const agent of this.#tls.values()) agent.destroy();
  }

  #start(ask: Ask): http.ClientRequest {
    const { url, headers, insecure, signal } = ask;
    const body = ask.form?.toString();
    const options: RequestOptions = {
      // Not the URL itself: user and password in a URL (of a redirect) would be sent along.
      hostname: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port,
      path: url.pathname + url.search,
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        ...headers,
        'accept-encoding': 'identity',
        ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
      },
      ...(signal === undefined ? {} : { signal }),
    };
    const request =
      url.protocol === 'http:'
        ? http.request({ ...options, agent: this.#plain })
        : https.request({ ...options, agent: this.#agentFor(insecure) });
    return request.end(body);
  }

  #agentFor(insecure: boolean): https.Agent {
    const known = this.#tls.get(insecure);
    if (known !== undefined) return known;
    const trust = insecure ? { rejectUnauthorized: false } : { secureContext: systemTrust() };
    const agent = new https.Agent({ keepAlive: true, ...trust });
    this.#tls.set(insecure, agent);
    return agent;
  }
}

class Attempt {
  readonly reply: Promise<IncomingMessage>;
  isConnected = false;
  readonly #request: http.ClientRequest;
  #isRefusedLate = false;

  constructor(request: http.ClientRequest, { connect, idle }: Patience) {
    this.#request = request;
    let timer = setTimeout(() => request.destroy(new Stalled(connect)), connect);
    const connected = () => {
      this.isConnected = true;
      clearTimeout(timer);
      timer = setTimeout(() => request.destroy(new Stalled(idle)), idle);
    };
    request.once('socket', (socket) => {
      if (request.reusedSocket) connected();
      else socket.once('encrypted' in socket ? 'secureConnect' : 'connect', connected);
    });
    this.reply = new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', resolve);
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
