import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { ServiceImpl } from '@connectrpc/connect';
import { writeContent } from '../../../../src/engine/containerd/api/ingest.ts';
import { EngineError } from '../../../../src/engine/errors.ts';
import {
  Content,
  WriteAction,
} from '../../../../src/engine/grpc/generated/containerd/services/content_pb.ts';
import { openGrpc } from '../../../../src/engine/grpc/transport.ts';
import { sha256 } from '../../../../src/image/digest.ts';
import { serveGrpc } from '../../../support/grpc-server.ts';
import { temporaryDirectory } from '../../../support/temporary.ts';

/** In milliseconds. */
const LONG = 31 * 60_000;

const content = Buffer.from('the bytes of a blob');
const blob = { digest: sha256(content), size: content.length };

type Write = ServiceImpl<typeof Content>['write'];

/** A containerd that can't be had from the real one: it takes requests and answers some of them only. */
async function containerdWith(t: TestContext, write: Write) {
  const socket = join(temporaryDirectory(t), 'c.sock');
  const end = await serveGrpc(socket, (router) => router.service(Content, { write }));
  const program = { name: 'containerd', socket };
  const grpc = openGrpc(program);
  t.after(() => {
    grpc.close();
    // Not awaited: a server waits for its handlers, and some here never end.
    void end();
  });
  return { program, grpc, namespace: 'k8s.io', snapshotter: 'overlayfs' };
}

for (const [kind, silentAt] of Object.entries({
  'before the first byte': WriteAction.STAT,
  'after the bytes': WriteAction.WRITE,
  'at the end': WriteAction.COMMIT,
})) {
  test(`a containerd that stops answering ${kind} of a write is given up`, async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const asked = Promise.withResolvers<void>();
    const containerd = await containerdWith(t, async function* (requests) {
      for await (const { action } of requests) {
        if (action === silentAt) {
          asked.resolve();
          await new Promise<never>(() => undefined);
        }
        yield { action, offset: action === WriteAction.WRITE ? BigInt(content.length) : 0n };
      }
    });
    const writing = writeContent(containerd, blob, {}, [content], {});
    await asked.promise;
    t.mock.timers.tick(LONG);
    await assert.rejects(writing, (error) => {
      assert.ok(error instanceof EngineError);
      assert.equal(error.code, 'engine-unreachable');
      assert.match(error.message, /^no containerd answers at .*: .*Content\/Write took too long$/);
      assert.equal(error.hint, 'see `systemctl status containerd`');
      return true;
    });
  });
}

test('a source of bytes that takes hours does not end a write', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const containerd = await containerdWith(t, async function* (requests) {
    let offset = 0n;
    for await (const { action, data } of requests) {
      offset += BigInt(data.length);
      yield { action, offset };
    }
  });
  const slow = async function* () {
    t.mock.timers.tick(10 * LONG);
    yield content;
  };
  await writeContent(containerd, blob, {}, slow(), {});
});
