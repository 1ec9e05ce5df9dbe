import http, { type RequestOptions } from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import type { Timeouts } from './body.ts';
import type { Target } from './dial.ts';
import { PlainStream } from './plain-stream.ts';
import { secured } from './secured.ts';
import { noteCertificate } from './shown-certificate.ts';
import { Way, type WayOptions } from './way.ts';

type Done = (error: Error | null, stream: Duplex) => void;

/** What the agents of this module have in common. */
export interface Agent extends http.Agent {
  /** Opens a connection for one request, whose reply Node's own parser refused. */
  openPlain(target: Target): Promise<Duplex>;
}

/** Keeps connections without TLS for later requests. */
export class PlainAgent extends http.Agent implements Agent {
  readonly #way: Way;

  constructor(options: WayOptions) {
    super({ keepAlive: true });
    this.#way = new Way(options);
  }

  override createConnection(options: RequestOptions, done?: Done): undefined {
    this.#way.open(targetOf(options)).then((socket) => done?.(null, socket), told(done));
  }

  override destroy(): void {
    this.#way.close();
    super.destroy();
  }

  async openPlain(target: Target): Promise<Duplex> {
    return new PlainStream(await this.#way.open(target));
  }
}

/** Keeps connections with TLS for later requests. */
export class TlsAgent extends https.Agent implements Agent {
  readonly #way: Way;
  readonly #tls: ConnectionOptions;
  readonly #timeouts: Pick<Timeouts, 'connect'>;

  /** @param options.tls for the servers, and for a proxy with TLS. */
  constructor(options: WayOptions) {
    super({ keepAlive: true, ...options.tls });
    this.#way = new Way(options);
    this.#tls = options.tls;
    this.#timeouts = options.timeouts;
  }

  override createConnection(options: RequestOptions, done?: Done): undefined {
    this.#way.open(targetOf(options)).then((socket) => {
      const overSocket = { ...options, socket };
      const connection = super.createConnection(overSocket);
      noteCertificate(connection);
      if (connection) done?.(null, connection);
    }, told(done));
  }

  override destroy(): void {
    this.#way.close();
    super.destroy();
  }

  async openPlain(target: Target): Promise<Duplex> {
    const socket = await this.#way.open(target);
    const { connect } = this.#timeouts;
    return new PlainStream(await secured(socket, target.host, this.#tls, connect));
  }
}

/** A connection for one request, as `http.request` wants to be given it. */
export function plainConnection(agent: Agent) {
  return (options: RequestOptions, done: Done): undefined => {
    agent.openPlain(targetOf(options)).then((stream) => done(null, stream), told(done));
  };
}

function targetOf({ host, port }: RequestOptions) {
  return { host: host ?? '', port: Number(port) };
}

/** Calls back with only an error, where Node's types also want a stream. */
function told(done: Done | undefined): (error: unknown) => void {
  return (error) => Reflect.apply(done ?? (() => undefined), undefined, [error]);
}
