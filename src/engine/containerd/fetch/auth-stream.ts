import { randomBytes } from 'node:crypto';
import { fromBinary, type MessageInitShape } from '@bufbuild/protobuf';
import type { AnySchema } from '@bufbuild/protobuf/wkt';
import { parseName } from '../../../image/name.ts';
import type { ResolvedImage } from '../../../image/resolved.ts';
import type { Credentials } from '../../../registry/auth/auth-file.ts';
import {
  StreamInitSchema,
  Streaming,
} from '../../grpc/generated/containerd/services/streaming_pb.ts';
import {
  AuthRequestSchema,
  AuthResponseSchema,
  AuthType,
} from '../../grpc/generated/containerd/transfer/registry_pb.ts';
import { anyOf } from '../api/any.ts';
import type { Containerd } from '../api/containerd.ts';

type AnyInit = MessageInitShape<typeof AnySchema>;

/**
 * Runs a pull that can ask for credentials. containerd asks on a stream, for one host at a time, and berth answers
 * only for the registry of the image.
 *
 * @param pull takes the name of the stream; empty without credentials.
 */
export async function withAuthStream(
  { grpc }: Containerd,
  image: ResolvedImage,
  credentials: Credentials | undefined,
  signal: AbortSignal,
  pull: (stream: string) => Promise<void>,
): Promise<void> {
  if (credentials === undefined) return pull('');
  const id = `berth-auth-${randomBytes(8).toString('hex')}`;
  const ended = new AbortController();
  const replies = new Replies([anyOf(StreamInitSchema, { id })]);
  const asked = grpc.stream(Streaming.method.stream, replies, {
    signal: AbortSignal.any([signal, ended.signal]),
    timeout: 0,
  });
  const questions = asked[Symbol.asyncIterator]();
  // The first reply says that the stream is there.
  await questions.next();
  const answering = answer(questions, replies, image, credentials);
  try {
    await pull(id);
  } finally {
    replies.end();
    ended.abort();
    await answering;
  }
}

/** Answers questions until the pull has ended. */
async function answer(
  questions: AsyncIterator<{ readonly value: Uint8Array }>,
  replies: Replies,
  image: ResolvedImage,
  credentials: Credentials,
): Promise<void> {
  try {
    for (;;) {
      const { value, done } = await questions.next();
      if (done === true) return;
      const { host } = fromBinary(AuthRequestSchema, value.value);
      replies.add(anyOf(AuthResponseSchema, hostOf(image) === host ? give(credentials) : {}));
    }
  } catch {
    // The pull has ended, or will say what is wrong.
  }
}

/** The host at which containerd reaches the registry of a name. */
function hostOf({ name }: ResolvedImage): string {
  const { registry } = parseName(name);
  return registry === 'docker.io' ? 'registry-1.docker.io' : registry;
}

function give({
  username,
  password,
  identityToken,
}: Credentials): MessageInitShape<typeof AuthResponseSchema> {
  if (identityToken !== undefined) {
    return { authType: AuthType.REFRESH, secret: identityToken.reveal() };
  }
  return { authType: AuthType.CREDENTIALS, username, secret: password.reveal() };
}

/** The replies to send on a stream, in the order in which they are added. */
class Replies implements AsyncIterable<AnyInit> {
  readonly #waiting: AnyInit[];
  #more = Promise.withResolvers<void>();
  #isEnded = false;

  constructor(first: readonly AnyInit[]) {
    this.#waiting = [...first];
  }

  add(reply: AnyInit): void {
    this.#waiting.push(reply);
    this.#more.resolve();
  }

  end(): void {
    this.#isEnded = true;
    this.#more.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<AnyInit> {
    for (;;) {
      yield* this.#waiting.splice(0);
      if (this.#isEnded) return;
      await this.#more.promise;
      this.#more = Promise.withResolvers();
    }
  }
}
