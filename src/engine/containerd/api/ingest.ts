import { randomBytes } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import type { Blob } from '../../../image/resolved.ts';
import { EngineError } from '../../errors.ts';
import { isRefusal } from '../../grpc/failure.ts';
import {
  Content,
  WriteAction,
  type WriteContentRequestSchema,
} from '../../grpc/generated/containerd/services/content_pb.ts';
import { OwedReply } from '../../grpc/owed-reply.ts';
import type { Call } from '../../grpc/transport.ts';
import type { Containerd } from './containerd.ts';

type Request = MessageInitShape<typeof WriteContentRequestSchema>;

/** The bytes of content in one message, of which containerd accepts up to 16 MiB. */
const PIECE = 1024 * 1024;

/** In milliseconds: the last reply comes when the whole blob has reached the disk, which may be slow and busy. */
const SILENCE = 30 * 60_000;

/**
 * Writes a blob into the content store, which checks the digest. A blob that the store already has is only added
 * to the lease.
 *
 * @param labels say what the blob refers to, for the garbage collection.
 */
export async function writeContent(
  { grpc, program }: Containerd,
  { digest, size }: Pick<Blob, 'digest' | 'size'>,
  labels: Readonly<Record<string, string>>,
  content: AsyncIterable<Buffer> | Iterable<Buffer>,
  { onBytes, ...call }: Call & { readonly onBytes?: (bytes: number) => void },
): Promise<void> {
  // Each attempt has its own ref: nobody else writes under it, and containerd collects what a killed attempt leaves.
  const ref = `berth-${digest}-${randomBytes(6).toString('hex')}`;
  const ingest = { ref, total: BigInt(size), expected: digest };
  const answered = new Answers();
  const owed = new OwedReply(program, Content.method.write, SILENCE);
  const requests = async function* (): AsyncGenerator<Request> {
    owed.begin();
    yield { ...ingest, action: WriteAction.STAT };
    let offset = await answered.next();
    // The store may have the blob for another namespace, and then needs no bytes.
    if (offset < size) {
      offset = 0;
      for await (const data of pieces(content)) {
        owed.begin();
        yield { ...ingest, action: WriteAction.WRITE, offset: BigInt(offset), data };
        offset = await answered.next();
        onBytes?.(data.length);
      }
    }
    owed.begin();
    yield { ...ingest, action: WriteAction.COMMIT, offset: BigInt(offset), labels };
  };
  try {
    const signals = [owed.signal, call.signal].filter((signal) => signal !== undefined);
    const signal = AbortSignal.any(signals);
    // A blob may be large, and its registry slow: only the time between a request and its reply is limited.
    const replies = grpc.stream(Content.method.write, requests(), { ...call, signal, timeout: 0 });
    for await (const { action, offset } of replies) {
      owed.end();
      if (action === WriteAction.COMMIT) return;
      answered.push(Number(offset));
    }
  } catch (error) {
    if (isRefusal(error, Code.AlreadyExists)) return;
    throw error;
  } finally {
    owed.end();
    answered.end();
  }
  throw new EngineError('engine-reply', `${program.name} ended the writing of ${digest} too soon`, {
    hint: 'run the same command again',
  });
}

/** The offsets in containerd's replies, for which the next request waits. */
class Answers {
  #next = Promise.withResolvers<number>();

  async next(): Promise<number> {
    const offset = await this.#next.promise;
    this.#next = Promise.withResolvers();
    return offset;
  }

  push(offset: number): void {
    this.#next.resolve(offset);
  }

  /** Fails whoever waits: no more replies will come. */
  end(): void {
    this.#next.promise.catch(() => undefined);
    this.#next.reject(new Error('the writing has ended'));
  }
}

/** The same bytes in pieces of at least `PIECE` bytes, except for the last. */
async function* pieces(content: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = [];
  let length = 0;
  for await (const chunk of content) {
    waiting.push(chunk);
    length += chunk.length;
    if (length < PIECE) continue;
    yield Buffer.concat(waiting);
    waiting = [];
    length = 0;
  }
  if (length > 0) yield Buffer.concat(waiting);
}
