import {
  Agent,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
} from 'node:http';
import { pipeline } from 'node:stream/promises';
import { array, type BaseIssue, type BaseSchema, safeParse } from 'valibot';
import { BerthError, systemErrorCode } from '../../common/errors.ts';
import type { EngineError } from '../errors.ts';
import type { Call, Reply } from './call.ts';
import { ElementSplitter } from './elements.ts';
import { asEngineError, type Failures } from './failures.ts';
import { CALLERS, type Limits } from './limits.ts';
import { Silence } from './silence.ts';

/**
 * How long an idle connection is kept, in milliseconds: podman.service itself ends after 5 s without
 * requests.
 */
const IDLE_TIMEOUT = 4000;

export interface ApiOptions {
  /** Goes before the path of every call: `/v1.41`. */
  readonly prefix?: string;
  /** Called when nothing listens any more; starts a new service and returns its socket. */
  readonly restart?: () => Promise<string>;
  /** How messages call the socket; undefined for its path. */
  readonly shown?: string;
  readonly limits?: Limits;
}

/**
 * The HTTP API of a container engine on a unix socket.
 *
 * A misbehaving engine must do no harm: replies are validated, and bounded in bytes and time.
 */
export class HttpApi {
  #socket: string;
  readonly #failures: Failures;
  readonly #prefix: string;
  readonly #agent = new Agent({ keepAlive: true, timeout: IDLE_TIMEOUT });
  readonly #restart: (() => Promise<string>) | undefined;
  readonly #shown: string | undefined;
  readonly #limits: Limits;
  #restarting: Promise<void> | undefined;
  /** Why nothing is asked for a while. */
  #givenUp: { readonly error: EngineError; readonly until: number } | undefined;

  constructor(
    socket: string,
    failures: Failures,
    { prefix = '', restart, shown, limits = CALLERS }: ApiOptions = {},
  ) {
    this.#socket = socket;
    this.#failures = failures;
    this.#prefix = prefix;
    this.#restart = restart;
    this.#shown = shown;
    this.#limits = limits;
  }

  /** The socket, as messages call it. */
  get socket(): string {
    return this.#shown ?? this.#socket;
  }

  /**
   * The status and headers of a reply to a path without the prefix, which every version of an engine knows.
   *
   * @param timeout in milliseconds.
   * @throws {EngineError} `engine-unreachable`
   */
  async head(
    call: Call,
    timeout: number,
  ): Promise<{ readonly status: number; readonly headers: IncomingHttpHeaders }> {
    const signal = AbortSignal.timeout(timeout);
    const response = await this.#open(call.path, { ...call, signal });
    await this.#read(response, call.path);
    return { status: response.statusCode ?? 0, headers: response.headers };
  }

  /** Any reply, whatever its status. */
  async send(call: Call): Promise<Reply> {
    return this.#inTime(call, async (timed) => {
      const response = await this.#open(this.#pathOf(call), timed);
      return { status: response.statusCode ?? 0, body: await this.#read(response, call.path) };
    });
  }

  async #inTime<T>(call: Call, work: (timed: Call) => Promise<T>): Promise<T> {
    const timeout = AbortSignal.timeout(this.#limits.timeout);
    const signal = call.signal === undefined ? timeout : AbortSignal.any([call.signal, timeout]);
    try {
      return await work({ ...call, signal });
    } catch (error) {
      call.signal?.throwIfAborted();
      if (!timeout.aborted) throw error;
      throw this.#giveUp(
        this.#failures.unreachable(this.socket, `${call.path} took too long`, error),
      );
    }
  }

  /**
   * Sends a request of which only the status of the reply matters.
   *
   * @throws {EngineError} `engine-failed` for a status that is not expected.
   */
  async status(call: Call, ...expected: readonly number[]): Promise<number> {
    const reply = await this.send(call);
    if (!expected.includes(reply.status)) throw this.#failures.refused(call, reply);
    return reply.status;
  }

  /**
   * Sends a request whose reply is JSON with status 200 or 201.
   *
   * @throws {EngineError} `engine-failed` for another status, `engine-reply` for another shape.
   */
  async json<T>(schema: BaseSchema<unknown, T, BaseIssue<unknown>>, call: Call): Promise<T> {
    const reply = await this.send(call);
    if (reply.status !== 200 && reply.status !== 201) throw this.#failures.refused(call, reply);
    return parseReply(this.#failures, schema, reply.body.toString(), call.path);
  }

  /**
   * Sends a request whose reply is a list in JSON, and reads one element after the other: the labels of
   * images can make a list far larger than the parts of it that are kept.
   *
   * @throws {EngineError} as `json`.
   */
  async list<T>(
    element: BaseSchema<unknown, T, BaseIssue<unknown>>,
    call: Call,
  ): Promise<readonly T[]> {
    return this.#inTime(call, async (timed) => {
      const response = await this.#open(this.#pathOf(call), timed);
      if (response.statusCode !== 200) {
        const body = await this.#read(response, call.path);
        throw this.#failures.refused(call, { status: response.statusCode ?? 0, body });
      }
      return this.#elements(element, response, call.path);
    });
  }

  async #elements<T>(
    element: BaseSchema<unknown, T, BaseIssue<unknown>>,
    response: IncomingMessage,
    path: string,
  ): Promise<readonly T[]> {
    const { reply, list } = this.#limits;
    const splitter = new ElementSplitter();
    const elements: T[] = [];
    let bytes = 0;
    let kept = 0;
    try {
      for await (const chunk of response) {
        if (!Buffer.isBuffer(chunk)) continue;
        bytes += chunk.length;
        for (const text of splitter.split(chunk)) {
          if (text.trim() === '') continue;
          const one = parseReply(this.#failures, element, text, path);
          elements.push(one);
          kept += JSON.stringify(one).length;
        }
        if (Math.max(kept, splitter.size) > reply) throw this.#failures.tooLarge(path, reply);
        if (bytes > list) throw this.#failures.tooLarge(path, list);
      }
    } catch (error) {
      throw asEngineError(this.#failures, error, this.socket, path);
    }
    const rest = splitter.rest();
    // Go writes a list that was never made as null.
    if (!['', 'null'].includes(rest.trim())) parseReply(this.#failures, array(element), rest, path);
    return elements;
  }

  /**
   * The lines of a reply as they arrive. The request ends when the consumer stops. An endless reply has an
   * empty line as soon as the engine has accepted the request, perhaps long before the first line.
   *
   * @throws {EngineError} `engine-failed` for another status than 200.
   */
  async *lines(call: Call): AsyncGenerator<string> {
    let response: IncomingMessage | undefined;
    try {
      response = await this.#open(this.#pathOf(call), call);
      if (response.statusCode !== 200) {
        const body = await this.#read(response, call.path);
        throw this.#failures.refused(call, { status: response.statusCode ?? 0, body });
      }
      if (call.isEndless === true) yield '';
      let rest = '';
      let bytes = 0;
      for await (const text of response.setEncoding('utf8')) {
        if (typeof text !== 'string') continue;
        bytes += text.length;
        if (bytes > this.#limits.reply)
          throw this.#failures.tooLarge(call.path, this.#limits.reply);
        const [first = '', ...others] = text.split('\n');
        rest += first;
        for (const other of others) {
          yield rest;
          rest = other;
        }
        if (call.isEndless === true) bytes = rest.length;
      }
      yield rest;
    } catch (error) {
      call.signal?.throwIfAborted();
      throw asEngineError(this.#failures, error, this.socket, call.path);
    } finally {
      response?.destroy();
    }
  }

  /**
   * Sends bytes as they arrive, and returns the reply whatever its status. An error of their source is
   * thrown unchanged.
   */
  async upload(
    call: Omit<Call, 'body'> & { readonly content: AsyncIterable<Buffer> },
  ): Promise<Reply> {
    this.#throwIfGivenUp();
    const silence = new Silence(this.#limits.silence);
    const signals = [silence.signal, ...(call.signal === undefined ? [] : [call.signal])];
    try {
      // On a new connection: a stream can't be sent again if a kept connection turns out to be closed.
      const watched = { ...call, signal: AbortSignal.any(signals) };
      const { response, sent } = this.#begin(this.#pathOf(call), watched, false, {
        'content-type': 'application/x-tar',
      });
      // A reply before the end says why the engine wants no more.
      const answer = await Promise.race([
        response,
        pipeline(silence.brokenBy(call.content), sent).then(() => response),
      ]);
      return { status: answer.statusCode ?? 0, body: await this.#read(answer, call.path) };
    } catch (error) {
      call.signal?.throwIfAborted();
      if (error instanceof BerthError) throw error;
      const failure = asEngineError(this.#failures, error, this.socket, call.path);
      throw silence.signal.aborted ? this.#giveUp(failure) : failure;
    } finally {
      silence.end();
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  /**
   * Sends a request. An engine may close a kept connection just when it is used again; the request is then
   * sent once more on a new connection. All of berth's requests can safely be repeated.
   */
  async #open(path: string, call: Call): Promise<IncomingMessage> {
    this.#throwIfGivenUp();
    const socket = this.#socket;
    try {
      return await this.#attempt(path, call, this.#agent).catch((error: unknown) => {
        if (error instanceof StaleConnection) return this.#attempt(path, call, false);
        throw error;
      });
    } catch (error) {
      const isGone = ['ENOENT', 'ECONNREFUSED'].includes(systemErrorCode(error) ?? '');
      const failure = asEngineError(this.#failures, error, this.socket, call.path);
      if (!isGone || !(await this.#isRestarted(socket))) throw failure;
    }
    try {
      return await this.#attempt(path, call, false);
    } catch (error) {
      throw asEngineError(this.#failures, error, this.socket, call.path);
    }
  }

  #throwIfGivenUp(): void {
    if (this.#givenUp === undefined) return;
    if (performance.now() < this.#givenUp.until) throw this.#givenUp.error;
    this.#givenUp = undefined;
  }

  #giveUp(error: EngineError): EngineError {
    this.#givenUp = { error, until: performance.now() + this.#limits.rest };
    return error;
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
    call: Call,
    agent: Agent | false,
    type: Readonly<Record<string, string>>,
  ): { readonly sent: ClientRequest; readonly response: Promise<IncomingMessage> } {
    const { promise: response, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const sent = request(
      {
        socketPath: this.#socket,
        agent,
        method: call.method,
        path,
        headers: { host: 'localhost', ...call.headers, ...type },
        ...(call.signal === undefined ? {} : { signal: call.signal }),
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

  #pathOf({ path, query }: Call): string {
    const parameters = query === undefined ? '' : `?${new URLSearchParams(query).toString()}`;
    return `${this.#prefix}${path}${parameters}`;
  }

  async #read(response: IncomingMessage, path: string): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const chunk of response) {
        if (!Buffer.isBuffer(chunk)) continue;
        bytes += chunk.length;
        if (bytes > this.#limits.reply) throw this.#failures.tooLarge(path, this.#limits.reply);
        chunks.push(chunk);
      }
    } catch (error) {
      throw asEngineError(this.#failures, error, this.socket, path);
    }
    return Buffer.concat(chunks);
  }
}

class StaleConnection extends Error {}

/** Parses a reply's JSON. If its shape is not as expected, the error says where. */
export function parseReply<T>(
  { badReply }: Failures,
  schema: BaseSchema<unknown, T, BaseIssue<unknown>>,
  text: string,
  path: string,
): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw badReply(path, 'it is not JSON', error);
  }
  const result = safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const where = issue.path?.map(({ key }) => String(key)).join('.') ?? '';
  throw badReply(path, `${where === '' ? '' : `${where}: `}${issue.message}`);
}
