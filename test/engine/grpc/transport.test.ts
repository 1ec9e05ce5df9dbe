import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer as createNetServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from '@connectrpc/connect';
import { EngineError } from '../../../src/engine/errors.ts';
import { isRefusal } from '../../../src/engine/grpc/failure.ts';
import { ImageService } from '../../../src/engine/grpc/generated/cri/api_pb.ts';
import { openGrpc } from '../../../src/engine/grpc/transport.ts';
import { serveGrpc } from '../../support/grpc-server.ts';

type Images = Partial<ServiceImpl<typeof ImageService>>;

function socketOf(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'berth-grpc-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return join(directory, 'cri.sock');
}

/** A server of the CRI; the result breaks its connections and ends it. */
function serve(socket: string, images: Images): Promise<() => Promise<void>> {
  return serveGrpc(socket, (router) => router.service(ImageService, images));
}

/** Whoever listens on the socket treats each connection so. */
async function listen(t: TestContext, socket: string, each: (connection: Socket) => void) {
  const server = createNetServer((connection) => {
    connection.on('error', () => undefined);
    t.after(() => connection.destroy());
    each(connection);
  });
  await new Promise<void>((done) => server.listen(socket, done));
  t.after(() => server.close());
}

function open(t: TestContext, socket: string, patience = 0) {
  const grpc = openGrpc({ name: 'crio', socket }, { patience });
  t.after(() => grpc.close());
  return grpc;
}

const list = ImageService.method.listImages;

async function failureOf(t: TestContext, socket: string, timeout = 60_000): Promise<EngineError> {
  const grpc = open(t, socket);
  const error: unknown = await grpc.unary(list, {}, { timeout }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof EngineError, String(error));
  return error;
}

test('a call returns the reply', async (t) => {
  const socket = socketOf(t);
  t.after(await serve(socket, { listImages: () => ({ images: [{ id: 'sha256:1' }] }) }));
  const reply = await open(t, socket).unary(list, {});
  assert.deepEqual(
    reply.images.map(({ id }) => id),
    ['sha256:1'],
  );
});

test('a call has the very type by which CRI-O knows gRPC', async (t) => {
  const socket = socketOf(t);
  const type = ({ requestHeader }: HandlerContext) => requestHeader.get('content-type') ?? '';
  const end = await serve(socket, {
    listImages: (_, context) => ({ images: [{ id: type(context) }] }),
    async *streamImages(_, context) {
      yield { images: [{ id: type(context) }] };
    },
  });
  t.after(end);
  const grpc = open(t, socket);
  const ids = [(await grpc.unary(list, {})).images[0]?.id];
  const stream = ImageService.method.streamImages;
  for await (const { images } of grpc.stream(stream, one({}))) ids.push(images[0]?.id);
  assert.deepEqual(ids, ['application/grpc', 'application/grpc']);
});

test('a server that says nothing before the first request is asked all the same', async (t) => {
  const inner = socketOf(t);
  t.after(await serve(inner, { listImages: () => ({ images: [{ id: 'sha256:1' }] }) }));
  const socket = socketOf(t);
  // As a connection multiplexer (cmux), which CRI-O puts before its servers.
  await listen(t, socket, (connection) => {
    let seen = Buffer.alloc(0);
    connection.on('data', function look(chunk: Buffer) {
      seen = Buffer.concat([seen, chunk]);
      if (!hasHeaders(seen)) return;
      connection.off('data', look).pause();
      const server = connect(inner);
      t.after(() => server.destroy());
      server.write(seen);
      connection.pipe(server).pipe(connection);
    });
  });
  assert.equal((await open(t, socket).unary(list, {})).images[0]?.id, 'sha256:1');
});

test('headers go with every call', async (t) => {
  const socket = socketOf(t);
  const end = await serve(socket, {
    listImages: (_, { requestHeader }) => ({
      images: [{ id: requestHeader.get('containerd-namespace') ?? '' }],
    }),
  });
  t.after(end);
  const grpc = openGrpc(
    { name: 'containerd', socket },
    { headers: { 'containerd-namespace': 'k8s.io' } },
  );
  t.after(() => grpc.close());
  assert.equal((await grpc.unary(list, {})).images[0]?.id, 'k8s.io');
});

test('a refusal quotes the program and keeps its code', async (t) => {
  const socket = socketOf(t);
  const refuse = () => {
    throw new ConnectError('no such thing', Code.NotFound);
  };
  t.after(await serve(socket, { listImages: refuse }));
  const error = await failureOf(t, socket);
  assert.equal(error.code, 'engine-failed');
  assert.equal(error.message, 'crio refused runtime.v1.ImageService/ListImages: no such thing');
  assert.ok(isRefusal(error, Code.NotFound));
  assert.ok(!isRefusal(error, Code.AlreadyExists));
});

test('a program whose disk is full has no space', async (t) => {
  const socket = socketOf(t);
  const refuse = () => {
    throw new ConnectError('write /var/lib/x: no space left on device', Code.Unknown);
  };
  t.after(await serve(socket, { listImages: refuse }));
  assert.equal((await failureOf(t, socket)).code, 'no-space');
});

test('a reply that is too large is not read', async (t) => {
  const socket = socketOf(t);
  const id = 'x'.repeat(17 * 1024 * 1024);
  t.after(await serve(socket, { listImages: () => ({ images: [{ id }] }) }));
  const error = await failureOf(t, socket);
  assert.equal(error.code, 'engine-reply');
  assert.match(error.message, /larger than configured/);
});

test('nobody listens', async (t) => {
  const error = await failureOf(t, socketOf(t));
  assert.equal(error.code, 'engine-unreachable');
  assert.match(error.message, /^no crio answers at .*cri\.sock: ENOENT$/);
});

test('a program that closes its connections is unreachable', async (t) => {
  const socket = socketOf(t);
  await listen(t, socket, (connection) => connection.destroy());
  assert.equal((await failureOf(t, socket)).code, 'engine-unreachable');
});

test('a program that is silent is unreachable after the time limit', async (t) => {
  const socket = socketOf(t);
  await listen(t, socket, () => undefined);
  const error = await failureOf(t, socket, 50);
  assert.equal(error.code, 'engine-unreachable');
  assert.match(error.message, /ListImages took too long$/);
});

test('a program that speaks another protocol gives a bad reply', async (t) => {
  const socket = socketOf(t);
  await listen(t, socket, (connection) => connection.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  const error = await failureOf(t, socket);
  assert.equal(error.code, 'engine-reply');
  assert.match(error.hint, /something else than crio/);
});

test("the caller's signal ends a call with the caller's reason", async (t) => {
  const socket = socketOf(t);
  await listen(t, socket, () => caller.abort(new Error('enough')));
  const caller = new AbortController();
  const call = open(t, socket).unary(list, {}, { signal: caller.signal });
  await assert.rejects(call, /^Error: enough$/);
});

test('a program that restarts is waited for, and asked again', async (t) => {
  const socket = socketOf(t);
  const asked = Promise.withResolvers<void>();
  const end = await serve(socket, {
    listImages: () => {
      asked.resolve();
      return new Promise(() => undefined);
    },
  });
  const answer = open(t, socket, 60_000).unary(list, {});
  await asked.promise;
  await end();
  t.after(await serve(socket, { listImages: () => ({ images: [{ id: 'after' }] }) }));
  assert.equal((await answer).images[0]?.id, 'after');
});

test('a stream gives the replies as they come, and its failure', async (t) => {
  const socket = socketOf(t);
  t.after(
    await serve(socket, {
      async *streamImages() {
        yield { images: [{ id: 'one' }] };
        yield { images: [{ id: 'two' }] };
        throw new ConnectError('broken', Code.Unknown);
      },
    }),
  );
  const ids: string[] = [];
  const read = async () => {
    const stream = ImageService.method.streamImages;
    for await (const { images } of open(t, socket).stream(stream, one({}))) {
      for (const { id } of images) ids.push(id);
    }
  };
  await assert.rejects(read, { code: 'engine-failed', message: /broken$/ });
  assert.deepEqual(ids, ['one', 'two']);
});

test('a stream that goes on for ever ends after its time limit', async (t) => {
  const socket = socketOf(t);
  t.after(
    await serve(socket, {
      async *streamImages(_, { signal }) {
        while (!signal.aborted) yield { images: [{ id: 'again' }] };
      },
    }),
  );
  const read = async () => {
    const stream = ImageService.method.streamImages;
    for await (const _ of open(t, socket).stream(stream, one({}), { timeout: 50 }));
  };
  await assert.rejects(read, { code: 'engine-unreachable', message: /took too long$/ });
});

async function* one<T>(request: T): AsyncGenerator<T> {
  yield request;
}

/** Whether a frame of HTTP/2 that begins a request has come (RFC 9113, sections 3.4 and 4.1). */
function hasHeaders(bytes: Buffer): boolean {
  let at = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'.length;
  while (at + 9 <= bytes.length) {
    if (bytes[at + 3] === 1) return true;
    at += 9 + bytes.readUIntBE(at, 3);
  }
  return false;
}
