import assert from 'node:assert/strict';
import test from 'node:test';
import type { Containerd } from '../../../../src/engine/containerd/api/containerd.ts';
import { withProgress } from '../../../../src/engine/containerd/fetch/progress.ts';
import type { ResolvedImage } from '../../../../src/image/resolved.ts';
import { RegistryError } from '../../../../src/registry/errors.ts';

/** In milliseconds. */
const LOOK = 500;
const LONG = 31 * 60_000;

const blob = { digest: `sha256:${'b'.repeat(64)}`, size: 1000, mediaType: 'layer' };
const image = { blobs: [blob] } as unknown as ResolvedImage;
const name = `registry.example.com/app@sha256:${'a'.repeat(64)}`;

/** A containerd in which so many bytes of the blob have arrived. */
function containerdWith(arrived: () => number, looked: () => void) {
  const unary = async () => {
    looked();
    return { statuses: [{ ref: `layer-${blob.digest}`, offset: BigInt(arrived()) }] };
  };
  return { grpc: { unary } } as unknown as Containerd;
}

test('a pull goes on as long as bytes arrive, and ends when none do', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let bytes = 0;
  let look = Promise.withResolvers<void>();
  const containerd = containerdWith(
    () => bytes,
    () => look.resolve(),
  );
  const told: number[] = [];
  const pulling = withProgress(
    containerd,
    name,
    image,
    { onBytes: (arrived) => told.push(arrived) },
    (signal) =>
      new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason as Error)),
      ),
  );
  const ended = pulling.catch((error: unknown) => error);
  /** Time passes, and berth looks what has arrived. */
  const pass = async (milliseconds: number) => {
    look = Promise.withResolvers();
    t.mock.timers.tick(milliseconds);
    await look.promise;
    await new Promise((done) => setImmediate(done));
  };
  for (bytes = 100; bytes <= 500; bytes += 100) {
    await pass(LOOK);
    t.mock.timers.tick(LONG - 2 * 60_000);
  }
  assert.ok(told.includes(500));
  t.mock.timers.tick(LONG);
  const error = await ended;
  assert.ok(error instanceof RegistryError);
  assert.equal(error.code, 'connection-lost');
  assert.match(error.message, /^expected containerd to continue the pull of registry\.example/);
});
