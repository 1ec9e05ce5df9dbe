import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { sha256 } from '../../src/image/digest.ts';
import { layer } from '../support/memory-registry.ts';
import { fromRegistry } from '../support/source.ts';
import { fixture } from './fixture.ts';

test('a sweep keeps the blobs of a document that berth refuses', async (t) => {
  const { store, registry, directory } = fixture(t);
  const [image, ...others] = registry.add('h.example/a:1', [layer('a', 1000)]);
  assert.ok(image !== undefined && others.length === 0);
  await store.fetch(image, fromRegistry());
  const put = (content: Buffer) => {
    const digest = sha256(content);
    writeFileSync(join(directory, 'blobs', digest.replace(':', '/')), content);
    return { mediaType: 'application/octet-stream', digest, size: content.length };
  };
  const config = put(Buffer.from('{}'));
  const kept = put(Buffer.from('layer'));
  const listed = put(Buffer.from(JSON.stringify({ schemaVersion: 2, config, layers: [kept] })));
  const both = { schemaVersion: 2, manifests: [listed], layers: [] };
  const ambiguous = put(Buffer.from(JSON.stringify(both)));
  const stray = put(Buffer.from('stray'));
  const path = join(directory, 'index.json');
  const index = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify({ ...index, manifests: [...index.manifests, ambiguous] }));
  await store.remove(image.manifest);
  const isThere = ({ digest }: { digest: string }) =>
    existsSync(join(directory, 'blobs', digest.replace(':', '/')));
  assert.deepEqual([ambiguous, listed, config, kept].map(isThere), [true, true, true, true]);
  assert.ok(!isThere(stray) && !isThere({ digest: image.manifest }));
});
