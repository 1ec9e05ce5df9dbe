import assert from 'node:assert/strict';
import test from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { zstdDecompressed } from '../../src/lifecycle/zstd-frames.ts';
import { chunksOf } from '../root/tar.ts';

async function unpacked(bytes: Buffer, chunk: number): Promise<string> {
  const parts = [];
  for await (const part of zstdDecompressed(chunksOf(bytes, chunk))) parts.push(part);
  return Buffer.concat(parts).toString();
}

const first = zstdCompressSync('a'.repeat(300_000));
const second = zstdCompressSync(Array.from({ length: 90_000 }, (_, i) => i).join());
const skippable = Buffer.from('\x5e\x2a\x4d\x18\x05\0\0\0hello', 'latin1');

test('all frames of a stream, and those to skip are skipped', async () => {
  const all = [skippable, first, skippable, second, zstdCompressSync(''), first, skippable];
  const expected =
    'a'.repeat(300_000) + Array.from({ length: 90_000 }, (_, i) => i).join() + 'a'.repeat(300_000);
  for (const chunk of [7, 1000, 1e6]) {
    assert.equal(await unpacked(Buffer.concat(all), chunk), expected);
  }
});

test('a small frame with much in it, and a large frame', async () => {
  const much = 'm'.repeat(5_000_000);
  const bytes = Buffer.concat([zstdCompressSync(much), second, zstdCompressSync('end')]);
  const expected = `${much}${Array.from({ length: 90_000 }, (_, i) => i).join()}end`;
  assert.equal(await unpacked(bytes, 1000), expected);
});

test('a stream cut anywhere, or with something else in it, is an error', {
  timeout: 60_000,
}, async () => {
  const both = Buffer.concat([first, skippable]);
  for (let length = 1; length < both.length; length++) {
    if (length === first.length) continue;
    await assert.rejects(unpacked(both.subarray(0, length), 10), /ends in the middle of a frame/);
  }
  await assert.rejects(unpacked(Buffer.concat([first, Buffer.from('junk')]), 10), /no zstd frame/);
});
