import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { systemErrorCode } from '../../common/errors.ts';
import type { EngineError } from '../errors.ts';
import type { Call } from './call.ts';
import { asEngineError, type Failures } from './failures.ts';
import { CALLERS, type Limits } from './limits.ts';

/**
 * How long an idle connection is kept, in milliseconds: podman.service itself ends after 5 s without
 * requests.
 */
const IDLE_TIMEOUT = 4000;

export interface ConnectionOptions {
  /** Called when nothing listens any more; starts a new service and returns its socket. */
  readonly restart?: () => Promise<string>;
  /** How messages call the socket; undefined for its path. */
  readonly shown?: string;
  readonly limits?: Limits;
}

/** A request that was sent, and the reply to come. */
interface Begun {
  readonly sent: ClientRequest;
  readonly response: Promise<IncomingMessage>;
}

/** Sends requests to an engine on a unix socket. */
export class Connection {
  #socket: string;
  readonly failures: Failures;
  readonly limits: Limits;
  readonly #agent = new Agent({ keepAlive: true, timeout: IDLE_TIMEOUT });
  readonly #restart: (() => Promise<string>) | undefined;
  readonly #shown: string | undefined;
  #restarting: Promise<void> | undefined;
  /** Why nothing is asked for a while. */
  #givenUp: { readonly error: EngineError; readonly until: number } | undefined;

  constructor(
    socket: string,
    failures: Failures,
    { restart, shown, limits = CALLERS }: ConnectionOptions,
  ) {
    this.#socket = socket;
    this.failures = failures;
    this.limits = limits;
    this.#restart = restart;
    this.#shown = shown;
  }

  /** The socket, as messages call it. */
  get socket(): string {
    return this.#shown ?? this.#socket;
  }

  /**
   * Sends a request. An engine may close a kept connection just when it is used again; the request is then
   * sent once more on a new connection. All of berth's requests can safely be repeated.
   *
   * @param path with its query.
   */
  async open(path: string, call: Call): Promise<IncomingMessage> {
    this.#throwIfGivenUp();
    const socket = this.#socket;
    try {
      return await this.#attempt(path, call, this.#agent).catch((error: unknown) => {
        if (error instanceof StaleConnection) return this.#attempt(path, call, false);
        throw error;
      });
    } catch (error) {
      const isGone = ['ENOENT', 'ECONNREFUSED'].includes(systemErrorCode(error) ?? '');
      const failure = asEngineError(this.failures, error, this.socket, call.path);
      if (!isGone || !(await this.#isRestarted(socket))) throw failure;
    }
    try {
      return await this.#attempt(path, call, false);
    } catch (error) {
      throw asEngineError(this.failures, error, this.socket, call.path);
    }
  }

  /**
   * Begins to send an archive, on a new connection: a stream can't be sent again if a kept connection turns out to be
   * closed.
   */
  beginArchive(path: string, call: Call): Begun {
    this.#throwIfGivenUp();
    return this.#begin(path, call, false, { 'content-type': 'application/x-tar' });
  }

  /**
   * Notes that the engine was too slow: nothing is asked of it for a while.
   *
   * @returns the given error, which is thrown for each call until then.
   */
  giveUp(error: EngineError): EngineError {
    this.#givenUp = { error, until: performance.now() + this.limits.rest };
    return error;
  }

  close(): void {
    this.#agent.destroy();
  }

  #throwIfGivenUp(): void {
    if (this.#givenUp === undefined) return;
    if (performance.now() < this.#givenUp.until) throw this.#givenUp.error;
    this.#givenUp = undefined;
  }

  /** Restarts what listened on the socket, once for all requests that found nobody there. */
  async #isRestarted(socket: string): Promise<boolean> {
    if (this.#restart === undefined) return false;
    if (socket === this.#socket) {
      this.#restarting ??= this.#restart()
        .then((restarted) => {
          this.#socket = restarted;
        })
        .finally(() => (this.#restarting = undefined));
      await this.#restarting;
    }
    return true;
  }

  async #attempt(path: string, call: Call, agent: Agent | false): Promise<IncomingMessage> {
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const { response, sent } = this.#begin(path, call, agent, type);
    sent.end(body);
    return response;
  }

  #begin(
    path: string,
    { method, headers, signal }: Call,
    agent: Agent | false,
    type: Readonly<Record<string, string>>,
  ): Begun {
    const { promise: response, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const sent = request(
      {
        socketPath: this.#socket,
        agent,
        method,
        path,
        headers: { host: 'localhost', ...headers, ...type },
        ...(signal === undefined ? {} : { signal }),
      },
      resolve,
    );
    sent.on('error', (error) => {
      const stale =
        sent.reusedSocket && ['ECONNRESET', 'EPIPE'].includes(systemErrorCode(error) ?? '');
      reject(stale ? new StaleConnection() : error);
    });
    return { sent, response };
  }
}

class StaleConnection extends Error {}
