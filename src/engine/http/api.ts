import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { BaseIssue, BaseSchema } from 'valibot';
import { BerthError } from '../../common/errors.ts';
import type { Call, Reply } from './call.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { asEngineError, type Failures } from './failures.ts';
import { parseReply } from './parse-reply.ts';
import { readElements, readLines, readWhole } from './read-reply.ts';
import { Silence } from './silence.ts';

export interface ApiOptions extends ConnectionOptions {
  /** Goes before the path of every call: `/v1.41`. */
  readonly prefix?: string;
}

/**
 * The HTTP API of a container engine on a unix socket.
 *
 * A misbehaving engine must do no harm: replies are validated, and bounded in bytes and time.
 */
export class HttpApi {
  readonly #connection: Connection;
  readonly #prefix: string;

  constructor(socket: string, failures: Failures, { prefix = '', ...options }: ApiOptions = {}) {
    this.#connection = new Connection(socket, failures, options);
    this.#prefix = prefix;
  }

  /** The socket, as messages call it. */
  get socket(): string {
    return this.#connection.socket;
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
    const response = await this.#connection.open(call.path, { ...call, signal });
    await readWhole(response, call.path, this.#connection);
    return { status: response.statusCode ?? 0, headers: response.headers };
  }

  /** Any reply, whatever its status. */
  async send(call: Call): Promise<Reply> {
    return this.#inTime(call, async (timed) => this.#replyOf(await this.#open(timed), call));
  }

  /**
   * Sends a request of which only the status of the reply matters.
   *
   * @throws {EngineError} `engine-failed` for a status that is not expected.
   */
  async status(call: Call, ...expected: readonly number[]): Promise<number> {
    const reply = await this.send(call);
    if (!expected.includes(reply.status)) throw this.#connection.failures.refused(call, reply);
    return reply.status;
  }

  /**
   * Sends a request whose reply is JSON with status 200 or 201.
   *
   * @throws {EngineError} `engine-failed` for another status, `engine-reply` for another shape.
   */
  async json<T>(schema: BaseSchema<unknown, T, BaseIssue<unknown>>, call: Call): Promise<T> {
    const { failures } = this.#connection;
    const reply = await this.send(call);
    if (reply.status !== 200 && reply.status !== 201) throw failures.refused(call, reply);
    return parseReply(failures, schema, reply.body.toString(), call.path);
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
      const response = await this.#openFor200(timed);
      return readElements(element, response, call.path, this.#connection);
    });
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
      response = await this.#openFor200(call);
      if (call.isEndless === true) yield '';
      yield* readLines(response, call, this.#connection);
    } catch (error) {
      call.signal?.throwIfAborted();
      throw this.#asEngineError(error, call);
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
    const silence = new Silence(this.#connection.limits.silence);
    const signals = [silence.signal, ...(call.signal === undefined ? [] : [call.signal])];
    try {
      const watched = { ...call, signal: AbortSignal.any(signals) };
      const { response, sent } = this.#connection.beginArchive(this.#pathOf(call), watched);
      // A reply before the end says why the engine wants no more.
      const answer = await Promise.race([
        response,
        pipeline(silence.brokenBy(call.content), sent).then(() => response),
      ]);
      return await this.#replyOf(answer, call);
    } catch (error) {
      call.signal?.throwIfAborted();
      if (error instanceof BerthError) throw error;
      const failure = this.#asEngineError(error, call);
      throw silence.signal.aborted ? this.#connection.giveUp(failure) : failure;
    } finally {
      silence.end();
    }
  }

  close(): void {
    this.#connection.close();
  }

  async #inTime<T>(call: Call, work: (timed: Call) => Promise<T>): Promise<T> {
    const { limits, failures } = this.#connection;
    const timeout = AbortSignal.timeout(limits.timeout);
    const signal = call.signal === undefined ? timeout : AbortSignal.any([call.signal, timeout]);
    try {
      return await work({ ...call, signal });
    } catch (error) {
      call.signal?.throwIfAborted();
      if (!timeout.aborted) throw error;
      const failure = failures.unreachable(this.socket, `${call.path} took too long`, error);
      throw this.#connection.giveUp(failure);
    }
  }

  #open(call: Call): Promise<IncomingMessage> {
    return this.#connection.open(this.#pathOf(call), call);
  }

  /** @throws {EngineError} `engine-failed` for another status than 200. */
  async #openFor200(call: Call): Promise<IncomingMessage> {
    const response = await this.#open(call);
    if (response.statusCode === 200) return response;
    throw this.#connection.failures.refused(call, await this.#replyOf(response, call));
  }

  async #replyOf(response: IncomingMessage, { path }: Pick<Call, 'path'>): Promise<Reply> {
    const body = await readWhole(response, path, this.#connection);
    return { status: response.statusCode ?? 0, body };
  }

  #asEngineError(error: unknown, { path }: Pick<Call, 'path'>) {
    return asEngineError(this.#connection.failures, error, this.socket, path);
  }

  #pathOf({ path, query }: Pick<Call, 'path' | 'query'>): string {
    const parameters = query === undefined ? '' : `?${new URLSearchParams(query).toString()}`;
    return `${this.#prefix}${path}${parameters}`;
  }
}
