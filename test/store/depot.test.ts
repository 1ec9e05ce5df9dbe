import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { openDepot } from '../../src/store/depot.ts';
import { layer } from '../support/memory-registry.ts';
import { request } from '../support/pin-request.ts';
import { fromRegistry } from '../support/source.ts';
import { fixture } from './fixture.ts';

test('a hold whose manifest is gone goes with whatever is dropped next', async (t) => {
  const { directory, registry } = fixture(t);
  const [a] = registry.add('h.example/a:1', [layer('a', 20_000)]);
  const [b] = registry.add('h.example/b:1', [layer('b', 20_000)]);
  assert.ok(a !== undefined && b !== undefined);
  const depot = openDepot({ directory, registry }, { engine: 'podman', serves: () => true });
  for (const [root, image] of [
    ['one', a],
    ['other', b],
  ] as const) {
    await depot.bring({ root, request: request(image) }, image, image.blobs, fromRegistry(), {});
  }
  rmSync(join(directory, 'blobs', a.manifest.replace(':', '/')));
  await depot.drop([]);
  assert.deepEqual(
    depot.pins().map(({ root }) => root),
    ['other'],
  );
  assert.deepEqual(readdirSync(join(directory, 'waiting')), ['other.json']);
  const kept = new Set([b.manifest, ...b.blobs.map(({ digest }) => digest)]);
  assert.deepEqual(
    new Set(readdirSync(join(directory, 'blobs/sha256')).map((entry) => `sha256:${entry}`)),
    kept,
  );
});
