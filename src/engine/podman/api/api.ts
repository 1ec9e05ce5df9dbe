import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { type BaseIssue, type BaseSchema, safeParse } from 'valibot';
import { BerthError, systemErrorCode } from '../../../common/errors.ts';
import type { Call, Reply } from './call.ts';
import { asEngineError, badReply, refused, tooLarge, unreachable } from './failure.ts';

/** Accepted by every podman from 4.0 to 6.0. */
const PREFIX = '/v4.0.0/libpod';

/** A list of 10,000 images is about 10 MiB; more than this is no honest reply. */
const MAX_REPLY = 64 * 1024 * 1024;

/** Limit for a whole reply, in milliseconds: removing a large image on a slow disk takes minutes. */
const REPLY_TIMEOUT = 300_000;

/**
 * How long an idle connection is kept, in milliseconds: podman.service itself ends after 5 s without
 * requests.
 */
const IDLE_TIMEOUT = 4000;

/**
 * podman's REST API on a unix socket: docs.podman.io/en/latest/_static/api.html.
 *
 * A misbehaving podman must do no harm: replies are validated, and bounded in bytes and time.
 */
export class PodmanApi {
  #socket: string;
  readonly #agent = new Agent({ keepAlive: true, timeout: IDLE_TIMEOUT });
  readonly #restart: (() => Promise<string>) | undefined;
  #restarting: Promise<void> | undefined;

  /** @param restart called when nothing listens any more; starts a new service and returns its socket. */
  constructor(socket: string, restart?: () => Promise<string>) {
    this.#socket = socket;
    this.#restart = restart;
  }

  get socket(): string {
    return this.#socket;
  }

  /**
   * The version of the podman that answers.
   *
   * @param timeout in milliseconds.
   * @throws {EngineError} `engine-unreachable`
   */
  async ping(timeout: number): Promise<string> {
    const signal = AbortSignal.timeout(timeout);
    const response = await this.#open('/_ping', { method: 'GET', path: '/_ping', signal });
    await this.#read(response, '/_ping');
    const version = response.headers['libpod-api-version'];
    if (response.statusCode === 200 && typeof version === 'string') return version;
    throw unreachable(
      this.#socket,
      `/_ping answered ${response.statusCode ?? 0}, not as podman does`,
    );
  }

  /** Any reply, whatever its status. */
  async send(call: Call): Promise<Reply> {
    const timeout = AbortSignal.timeout(REPLY_TIMEOUT);
    const signal = call.signal === undefined ? timeout : AbortSignal.any([call.signal, timeout]);
    try {
      const response = await this.#open(pathOf(call), { ...call, signal });
      const body = await this.#read(response, call.path);
      return { status: response.statusCode ?? 0, body };
    } catch (error) {
      call.signal?.throwIfAborted();
      throw error;
    }
  }

  /**
   * Sends a request of which only the status of the reply matters.
   *
   * @throws {EngineError} `engine-failed` for a status that is not expected.
   */
  async status(call: Call, ...expected: readonly number[]): Promise<number> {
    const reply = await this.send(call);
    if (!expected.includes(reply.status)) throw refused(call, reply);
    return reply.status;
  }

  /**
   * Sends a request whose reply is JSON with status 200 or 201.
   *
   * @throws {EngineError} `engine-failed` for another status, `engine-reply` for another shape.
   */
  async json<T>(schema: BaseSchema<unknown, T, BaseIssue<unknown>>, call: Call): Promise<T> {
    const reply = await this.send(call);
    if (reply.status !== 200 && reply.status !== 201) throw refused(call, reply);
    return parse(schema, reply.body.toString(), call.path);
  }

  /**
   * The lines of a reply as they arrive. The request ends when the consumer stops.
   *
   * @throws {EngineError} `engine-failed` for another status than 200.
   */
  async *lines(call: Call): AsyncGenerator<string> {
    let response: IncomingMessage | undefined;
    try {
      response = await this.#open(pathOf(call), call);
      if (response.statusCode !== 200) {
        const body = await this.#read(response, call.path);
        throw refused(call, { status: response.statusCode ?? 0, body });
      }
      let rest = '';
      let bytes = 0;
      for await (const text of response.setEncoding('utf8')) {
        if (typeof text !== 'string') continue;
        bytes += text.length;
        if (bytes > MAX_REPLY) throw tooLarge(call.path, MAX_REPLY);
        const [first = '', ...others] = text.split('\n');
        rest += first;
        for (const other of others) {
          yield rest;
          rest = other;
        }
      }
      yield rest;
    } catch (error) {
      call.signal?.throwIfAborted();
      throw asEngineError(error, this.#socket, call.path);
    } finally {
      response?.destroy();
    }
  }

  /**
   * Sends bytes as they arrive, and returns the reply whatever its status. An error of their source is
   * thrown unchanged. There is no time limit, because podman may work for long without a word.
   */
  async upload(
    call: Omit<Call, 'body'> & { readonly content: AsyncIterable<Buffer> },
  ): Promise<Reply> {
    try {
      // On a new connection: a stream can't be sent again if a kept connection turns out to be closed.
      const { response, sent } = this.#begin(pathOf(call), call, false, {
        'content-type': 'application/x-tar',
      });
      // A reply before the end says why podman wants no more.
      const answer = await Promise.race([
        response,
        pipeline(call.content, sent).then(() => response),
      ]);
      return { status: answer.statusCode ?? 0, body: await this.#read(answer, call.path) };
    } catch (error) {
      call.signal?.throwIfAborted();
      if (error instanceof BerthError) throw error;
      throw asEngineError(error, this.#socket, call.path);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  /**
   * Sends a request. podman may close a kept connection just when it is used again; the request is then
   * sent once more on a new connection. All of berth's requests can safely be repeated.
   */
  async #open(path: string, call: Call): Promise<IncomingMessage> {
    const socket = this.#socket;
    try {
      return await this.#attempt(path, call, this.#agent).catch((error: unknown) => {
        if (error instanceof StaleConnection) return this.#attempt(path, call, false);
        throw error;
      });
    } catch (error) {
      const isGone = ['ENOENT', 'ECONNREFUSED'].includes(systemErrorCode(error) ?? '');
      const failure = asEngineError(error, socket, call.path);
      if (!isGone || !(await this.#isRestarted(socket))) throw failure;
    }
    try {
      return await this.#attempt(path, call, false);
    } catch (error) {
      throw asEngineError(error, this.#socket, call.path);
    }
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
        headers: { host: 'podman', ...call.headers, ...type },
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

  async #read(response: IncomingMessage, path: string): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const chunk of response) {
        if (!Buffer.isBuffer(chunk)) continue;
        bytes += chunk.length;
        if (bytes > MAX_REPLY) throw tooLarge(path, MAX_REPLY);
        chunks.push(chunk);
      }
    } catch (error) {
      throw asEngineError(error, this.#socket, path);
    }
    return Buffer.concat(chunks);
  }
}

class StaleConnection extends Error {}

/** Parses a reply's JSON. If its shape is not as expected, the error says where. */
export function parse<T>(
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

function pathOf({ path, query }: Call): string {
  const parameters = query === undefined ? '' : `?${new URLSearchParams(query).toString()}`;
  return `${PREFIX}${path}${parameters}`;
}
