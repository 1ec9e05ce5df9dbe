import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { test } from 'node:test';
import zlib, { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { budget, decompressed, verified } from '../../src/os-image/layer-bytes.ts';
import { holds } from '../support/property.ts';

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function unpack(bytes: Buffer, digest = digestOf(bytes), size = 65_536): Promise<Buffer> {
  const blob = { mediaType: '', digest, size: bytes.length };
  const chunks: Buffer[] = [];
  for await (const chunk of decompressed(blob, verified(blob, pieces(bytes, size)), budget())) {
    chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks);
}

function skippable(length: number): Buffer {
  const head = Buffer.from('502a4d1800000000', 'hex');
  head.writeUInt32LE(length, 4);
  return Buffer.concat([head, randomBytes(length)]);
}

const part = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 200_000 }).map((bytes) => {
    const content = Buffer.from(bytes);
    return { content, packed: zstdCompressSync(content) };
  }),
  fc.nat(5000).map((length) => ({ content: Buffer.alloc(0), packed: skippable(length) })),
);

test('zstd in several frames, some of them to be skipped, whatever the pieces', async () => {
  await holds(
    30,
    fc.asyncProperty(
      fc.array(part, { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 100_000 }),
      async (parts, size) => {
        const content = Buffer.concat(parts.map((each) => each.content));
        const packed = Buffer.concat(parts.map((each) => each.packed));
        const pieceSize = Math.max(size, Math.ceil(packed.length / 2000));
        if (content.length === 0) await assert.rejects(unpack(packed, undefined, pieceSize));
        else assert.ok(content.equals(await unpack(packed, undefined, pieceSize)));
      },
    ),
  );
});

test('gzip in several members', async () => {
  const packed = Buffer.concat([gzipSync('one '), gzipSync('two')]);
  assert.equal((await unpack(packed)).toString(), 'one two');
});

const content = randomBytes(100_000);
const wrong = `sha256:${'0'.repeat(64)}`;
for (const [name, bytes] of Object.entries({
  'zstd and more': Buffer.concat([zstdCompressSync(content), skippable(4_000_000)]),
  'gzip and zeros': Buffer.concat([gzipSync(content), Buffer.alloc(4_000_000)]),
  'gzip and garbage': Buffer.concat([gzipSync(content), randomBytes(4_000_000)]),
  plain: content,
})) {
  test(`the digest is checked to the end: ${name}`, async () => {
    await assert.rejects(unpack(bytes, wrong), /hash to|gzip or zstd/);
  });
}

test('a cut stream, and one with something else behind it', async () => {
  const packed = zstdCompressSync(content);
  await assert.rejects(unpack(packed.subarray(0, packed.length / 2)));
  await assert.rejects(unpack(gzipSync(content).subarray(0, 50_000)));
  await assert.rejects(unpack(Buffer.concat([packed, Buffer.from('garbage!')])));
});

test('a layer of very many small frames of zstd is read, with no decoder for each', async (t) => {
  const decoders = t.mock.method(zlib, 'createZstdDecompress');
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  const packed = [Buffer.alloc(0), Buffer.from('ab'), Buffer.alloc(100_000)].map((content) =>
    zstdCompressSync(content),
  );
  const count = 5_000;
  const frames = Array.from({ length: count }, () => packed).flat();
  const content = await unpack(Buffer.concat(frames));
  assert.equal(content.length, count * 100_002);
  assert.equal(decoders.mock.callCount(), 0);
});

test('a small frame of zstd that is cut short, or lies about its size, is an error', async () => {
  const packed = zstdCompressSync(Buffer.from('content'));
  const lying = Buffer.from(packed);
  // The size of the content, behind the flags.
  lying[5] = 200;
  for (const bytes of [packed.subarray(0, -1), lying]) {
    await assert.rejects(unpack(bytes), { code: 'os-image' });
  }
});
