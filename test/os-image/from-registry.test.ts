import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Registry } from '../../src/registry/registry.ts';
import { downloaded } from '../../src/registry/stream.ts';
import { noNetwork } from '../support/first-boot.ts';

const PIECE = 64 * 1024;
const blob = { mediaType: '', digest: `sha256:${'0'.repeat(64)}`, size: 1000 * PIECE };

/** A registry whose layer has this many pieces, and then ends or fails. */
function registryOf(pieces: number, failure?: Error): Registry {
  return {
    ...noNetwork,
    download: async (_name, _blob, _access, into, { signal } = {}) => {
      for (let i = 0; i < pieces; i++) {
        signal?.throwIfAborted();
        await into.write(Buffer.alloc(PIECE, i));
      }
      if (failure !== undefined) throw failure;
    },
  };
}

test('a download as a stream holds no more than a few pieces of it', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const given: WeakRef<Buffer>[] = [];
  const registry = registryOf(1000);
  const watched: Registry = {
    ...registry,
    download: (name, of, access, into, watch) => {
      const write = (piece: Buffer) => {
        given.push(new WeakRef(piece));
        return into.write(piece);
      };
      return registry.download(name, of, access, { write }, watch);
    },
  };
  let pieces = 0;
  for await (const piece of downloaded(watched, 'x/y:1', blob, {}, undefined)) {
    assert.equal(piece[0], pieces % 256);
    if (++pieces % 250 > 0) continue;
    // The target of a new weak reference stays until the next turn of the event loop.
    await setImmediate();
    collect();
    const held = given.filter((reference) => reference.deref() !== undefined).length;
    assert.ok(held < 10, `${held} of ${pieces}`);
  }
  assert.equal(pieces, 1000);
});

test('a download that fails, before, between or behind its pieces, ends the stream so', async () => {
  for (const pieces of [0, 1, 3]) {
    const failure = new Error('broken');
    let came = 0;
    const all = async () => {
      const stream = downloaded(registryOf(pieces, failure), 'x/y:1', blob, {}, undefined);
      for await (const piece of stream) came += piece.length;
    };
    await assert.rejects(all(), failure);
    assert.equal(came, pieces * PIECE);
  }
});

test('a reader that stops ends the download', async () => {
  for await (const _ of downloaded(registryOf(1000), 'x/y:1', blob, {}, undefined)) break;
});
