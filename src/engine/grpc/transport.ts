import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import type {
  DescMessage,
  DescMethod,
  DescMethodStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import type { Interceptor } from '@connectrpc/connect';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { asEngineError, isUnreachable, type Program, tooSlow } from './failure.ts';

/** In bytes. containerd sends at most 16 MiB in a message; lists of thousands of images are far smaller. */
const LARGEST_MESSAGE = 16 * 1024 * 1024;

/** In milliseconds: how long a reply may take, where a call names no other limit. */
const TIMEOUT = 60_000;

/** The same for a whole list or document, which comes in many messages. */
const STREAM_TIMEOUT = 300_000;

/** In milliseconds: how long a program that does not listen is waited for: it may be restarting. */
const PATIENCE = 10_000;

/** In milliseconds, between two tries to reach a program. */
const PAUSE = 200;

/** What a call may say besides its request. */
export interface Call {
  readonly signal?: AbortSignal | undefined;
  /** For the whole reply, in milliseconds; 0 for a call that may go on for ever. */
  readonly timeout?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * A program's gRPC services on its unix socket. Messages are bounded, and every failure is an
 * `EngineError` that names the method and quotes the program.
 */
export interface Grpc {
  /**
   * Calls a method with one request and one reply. A program that restarts is waited for, and asked
   * again if the connection broke: callers send only what can be repeated.
   */
  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    call?: Call,
  ): Promise<MessageShape<O>>;
  /**
   * Calls a method with several requests or replies, once. The call ends when the consumer stops. The
   * caller bounds how much of the replies it keeps.
   */
  stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodStreaming<I, O>,
    requests: AsyncIterable<MessageInitShape<I>>,
    call?: Call,
  ): AsyncIterable<MessageShape<O>>;
  close(): void;
}

export interface GrpcOptions {
  /** Sent with every call: containerd's namespace. */
  readonly headers?: Readonly<Record<string, string>>;
  /** In milliseconds: how long a program that does not listen is waited for. */
  readonly patience?: number;
}

/** The connection is made by the first call. */
export function openGrpc(
  program: Program,
  { headers = {}, patience = PATIENCE }: GrpcOptions = {},
): Grpc {
  const sessionManager = new Http2SessionManager(BASE, undefined, {
    createConnection: () => connect(program.socket),
  });
  const transport = createGrpcTransport({
    baseUrl: BASE,
    sessionManager,
    interceptors: [plainType],
    // A small compressed reply could hold far more than a large one.
    acceptCompression: [],
    readMaxBytes: LARGEST_MESSAGE,
  });
  const all = (call: Call) => ({ ...headers, ...call.headers });
  return {
    async unary(method, request, call = {}) {
      const ends = endsOf(call, TIMEOUT);
      const ask = () => transport.unary(method, ends.signal, 0, all(call), request);
      try {
        return (await withPatience(ask, patience, ends.signal)).message;
      } catch (error) {
        throw failureOf(program, method, ends, error);
      }
    },
    async *stream(method, requests, call = {}) {
      const ends = endsOf(call, STREAM_TIMEOUT);
      try {
        yield* (await transport.stream(method, ends.signal, 0, all(call), requests)).message;
      } catch (error) {
        throw failureOf(program, method, ends, error);
      }
    },
    close: () => sessionManager.abort(),
  };
}

/**
 * Sets the content type, which the library would set to `application/grpc+proto`. CRI-O tells gRPC from HTTP by the
 * first request of a connection, and closes the connection for any other type than this (cmd/crio/main.go; cmux).
 */
const plainType: Interceptor = (next) => (request) => {
  request.header.set('content-type', 'application/grpc');
  return next(request);
};

/** The library wants a URL. No host name is looked up, since the connection is made to the socket. */
const BASE = 'http://localhost';

/** What ends a call early. */
interface Ends {
  readonly signal: AbortSignal;
  readonly caller: AbortSignal | undefined;
  readonly limit: AbortSignal | undefined;
}

/** The library's own time limit keeps its timer, and so the process, when a call fails. */
function endsOf({ signal: caller, timeout }: Call, usual: number): Ends {
  const most = timeout ?? usual;
  const limit = most === 0 ? undefined : AbortSignal.timeout(most);
  const signal = AbortSignal.any([caller, limit].filter((end) => end !== undefined));
  return { signal, caller, limit };
}

function failureOf(program: Program, method: DescMethod, ends: Ends, error: unknown): unknown {
  if (ends.caller?.aborted === true) return ends.caller.reason;
  if (ends.limit?.aborted === true) return tooSlow(program, method, error);
  return asEngineError(program, method, error);
}

/** Asks again until the program is reached, or `patience` milliseconds are over. */
async function withPatience<T>(
  ask: () => Promise<T>,
  patience: number,
  signal: AbortSignal,
): Promise<T> {
  const end = performance.now() + patience;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (signal.aborted || !isUnreachable(error) || performance.now() >= end) throw error;
    }
    await setTimeout(PAUSE, undefined, { signal });
  }
}
